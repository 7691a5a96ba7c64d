package datachannel

import (
	"encoding/json"
	"fmt"
	"time"
)

// Kind says what the payload of an Input or Output message is.
type Kind uint32

// The kinds of payloads.
const (
	Data              Kind = 1 // what is typed, or comes out
	Size              Kind = 3
	HandshakeRequest  Kind = 5
	HandshakeResponse Kind = 6
	HandshakeComplete Kind = 7
	StdErr            Kind = 11
	ExitCode          Kind = 12
)

// WindowSize is the payload of a Size message: the size of the terminal in characters.
type WindowSize struct {
	Cols uint32 `json:"cols"`
	Rows uint32 `json:"rows"`
}

// What a handshake may ask a client to do.
const (
	ActionSessionType   = "SessionType"
	ActionKMSEncryption = "KMSEncryption"
)

// Handshake is the payload of a HandshakeRequest.
type Handshake struct {
	AgentVersion           string
	RequestedClientActions []Action
}

// Action is something that a handshake asks a client to do.
type Action struct {
	ActionType       string
	ActionParameters json.RawMessage
}

// SessionType is what the action SessionType tells the client.
type SessionType struct {
	SessionType string
	Properties  any
}

// ActionStatus says how it went with an action.
type ActionStatus int

// The statuses of actions.
const (
	ActionSuccess     ActionStatus = 1
	ActionFailed      ActionStatus = 2
	ActionUnsupported ActionStatus = 3
)

// HandshakeAnswer is the payload of a HandshakeResponse.
type HandshakeAnswer struct {
	ClientVersion          string
	ProcessedClientActions []ProcessedAction
	Errors                 []string
}

// ProcessedAction says what a client did about an action.
type ProcessedAction struct {
	ActionType   string
	ActionStatus ActionStatus
	ActionResult any
	Error        string
}

// HandshakeDone is the payload of HandshakeComplete. CustomerMessage is for the user to read.
type HandshakeDone struct {
	HandshakeTimeToComplete time.Duration
	CustomerMessage         string
}

// OpenInput is the first message of a client on a WebSocket, as text.
type OpenInput struct {
	MessageSchemaVersion string
	RequestID            string `json:"RequestId"`
	TokenValue           string
	ClientID             string `json:"ClientId"`
	ClientVersion        string
}

// SchemaVersion is the version of OpenInput.
const SchemaVersion = "1.0"

// acknowledgement is the payload of an Acknowledge message.
type acknowledgement struct {
	Type       string `json:"AcknowledgedMessageType"`
	ID         string `json:"AcknowledgedMessageId"`
	Sequence   int64  `json:"AcknowledgedMessageSequenceNumber"`
	Sequential bool   `json:"IsSequentialMessage"`
}

// closing is the payload of a Closed message.
type closing struct {
	MessageID     string `json:"MessageId"`
	CreatedDate   string
	DestinationID string `json:"DestinationId"`
	SessionID     string `json:"SessionId"`
	MessageType   string
	SchemaVersion int
	Output        string
}

// Read reads the payload, which is JSON.
func (m Message) Read(into any) error {
	if err := json.Unmarshal(m.Payload, into); err != nil {
		return fmt.Errorf("read the payload of kind %d of a message: %w", m.Kind, err)
	}
	return nil
}

// JSON renders a payload.
func JSON(payload any) []byte {
	text, err := json.Marshal(payload)
	if err != nil {
		panic("datachannel: a payload that does not render: " + err.Error())
	}
	return text
}
