package datachannel

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The types of messages.
const (
	// Input goes from the client to the machine, Output the other way.
	Input  = "input_stream_data"
	Output = "output_stream_data"
	// Acknowledge says that a message of a stream has come, Closed that the session has ended.
	Acknowledge = "acknowledge"
	Closed      = "channel_closed"
	// Start and Pause tell an end that the other one is there, or is not.
	Start = "start_publication"
	Pause = "pause_publication"
)

// Where the fields of a message stand. The length of the payload and the payload follow the header, whose last field, the
// kind, messages of the service itself leave out.
const (
	typeAt     = 4
	schemaAt   = typeAt + 32
	createdAt  = schemaAt + 4
	sequenceAt = createdAt + 8
	flagsAt    = sequenceAt + 8
	idAt       = flagsAt + 8
	digestAt   = idAt + 16
	kindAt     = digestAt + sha256.Size
	headerSize = kindAt + 4
	lengthSize = 4
)

// Message is one message on a data channel.
type Message struct {
	// Type is one of Input, Output, Acknowledge, Closed, Start and Pause.
	Type string
	// Created is when it was made, in milliseconds since 1970.
	Created uint64
	// Sequence is the message's number in its stream, from 0 on.
	Sequence int64
	// Flags has bit 0 set on the first message of a stream, bit 1 on the last.
	Flags uint64
	// ID is a random UUID.
	ID [16]byte
	// Kind says what the payload of Input and Output is.
	Kind Kind
	// Payload is what the message carries.
	Payload []byte
}

func newMessage(typ string, sequence int64, kind Kind, payload []byte) Message {
	m := Message{
		Type: typ, Created: uint64(time.Now().UnixMilli()), Sequence: sequence, Kind: kind, Payload: payload,
		ID: newUUID(),
	}
	if sequence == 0 {
		m.Flags = 1
	}
	return m
}

// newUUID makes a random UUID.
func newUUID() (id [16]byte) {
	_, _ = rand.Read(id[:]) // never fails
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// UUID makes a random UUID, in the usual form.
func UUID() string { return uuidText(newUUID()) }

func uuidText(id [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// Encode renders the message as it goes over the wire.
func (m Message) Encode() []byte {
	out := make([]byte, headerSize+lengthSize+len(m.Payload))
	order := binary.BigEndian
	order.PutUint32(out, headerSize)
	copy(out[typeAt:schemaAt], m.Type+strings.Repeat(" ", max(0, schemaAt-typeAt-len(m.Type))))
	order.PutUint32(out[schemaAt:], 1)
	order.PutUint64(out[createdAt:], m.Created)
	order.PutUint64(out[sequenceAt:], uint64(m.Sequence))
	order.PutUint64(out[flagsAt:], m.Flags)
	copy(out[idAt:], m.ID[8:]) // the halves of the id are swapped on the wire
	copy(out[idAt+8:], m.ID[:8])
	digest := sha256.Sum256(m.Payload)
	copy(out[digestAt:], digest[:])
	order.PutUint32(out[kindAt:], uint32(m.Kind))
	order.PutUint32(out[headerSize:], uint32(len(m.Payload)))
	copy(out[headerSize+lengthSize:], m.Payload)
	return out
}

// Decode reads a message, whose payload is then a part of text.
func Decode(text []byte) (Message, error) {
	var m Message
	order := binary.BigEndian
	if len(text) < kindAt+lengthSize {
		return m, fmt.Errorf("read a message of the data channel: it has %d bytes, which is shorter than a header", len(text))
	}
	header := int64(order.Uint32(text))
	if header < kindAt || header+lengthSize > int64(len(text)) {
		return m, fmt.Errorf("read a message of the data channel: a header of %d bytes in a message of %d", header, len(text))
	}
	m.Type = string(bytes.Trim(text[typeAt:schemaAt], " \x00"))
	m.Created = order.Uint64(text[createdAt:])
	m.Sequence = int64(order.Uint64(text[sequenceAt:]))
	m.Flags = order.Uint64(text[flagsAt:])
	copy(m.ID[8:], text[idAt:])
	copy(m.ID[:8], text[idAt+8:])
	if header >= headerSize {
		m.Kind = Kind(order.Uint32(text[kindAt:]))
	}
	m.Payload = text[header+lengthSize:]
	digest := sha256.Sum256(m.Payload)
	if len(m.Payload) > 0 && m.Type != Start && m.Type != Pause && !bytes.Equal(digest[:], text[digestAt:kindAt]) {
		return m, errors.New("read a message of the data channel: its payload does not match its digest")
	}
	return m, nil
}
