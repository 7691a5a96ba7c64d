package datachannel

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMessagesKeepTheirFields(t *testing.T) {
	t.Parallel()
	for _, want := range []Message{
		newMessage(Output, 0, Data, []byte("hello")),
		newMessage(Input, 7, Size, []byte(`{"cols":80,"rows":24}`)),
		newMessage(Start, 0, 0, []byte{}),
		{Type: Acknowledge, Created: 1, Sequence: -1, Flags: 3, ID: [16]byte{1, 2, 15: 3}, Kind: ExitCode, Payload: []byte{0}},
	} {
		got, err := Decode(want.Encode())
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", want.Type, err, diff)
		}
	}
}

// The layout is that of the SSM agent and of the session-manager-plugin, with the halves of the id swapped.
func TestTheLayoutIsTheAgents(t *testing.T) {
	t.Parallel()
	text := Message{
		Type: Output, Created: 0x0102030405060708, Sequence: 9, Flags: 1, Kind: Data, Payload: []byte("x"),
		ID: [16]byte{0xa0, 8: 0xb0},
	}.Encode()
	for at, want := range map[int]string{
		0: "\x00\x00\x00\x74", 4: "output_stream_data              ", 36: "\x00\x00\x00\x01",
		40: "\x01\x02\x03\x04\x05\x06\x07\x08", 48: "\x00\x00\x00\x00\x00\x00\x00\x09", 56: "\x00\x00\x00\x00\x00\x00\x00\x01",
		64: "\xb0\x00", 72: "\xa0\x00", 80: "\x2d\x71\x16\x42\xb7\x26\xb0\x44", 112: "\x00\x00\x00\x01",
		116: "\x00\x00\x00\x01", 120: "x",
	} {
		if got := string(text[at : at+len(want)]); got != want {
			t.Errorf("at %d there is %q, want %q", at, got, want)
		}
	}
	if len(text) != 121 {
		t.Errorf("%d bytes", len(text))
	}
}

// The service's own messages have a shorter header.
func TestHeadersWithoutKind(t *testing.T) {
	t.Parallel()
	text := newMessage(Closed, 0, 0, []byte(`{"Output":"x"}`)).Encode()
	short := append(text[:kindAt:kindAt], text[headerSize:]...)
	short[3] = kindAt
	got, err := Decode(short)
	if err != nil || got.Kind != 0 || string(got.Payload) != `{"Output":"x"}` {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestBrokenMessagesAreRefused(t *testing.T) {
	t.Parallel()
	whole := newMessage(Output, 0, Data, []byte("hello")).Encode()
	changed := func(at int, b byte) []byte {
		text := bytes.Clone(whole)
		text[at] = b
		return text
	}
	for what, text := range map[string][]byte{
		"empty": {}, "half a header": whole[:50], "header beyond the end": changed(2, 1), "header too short": changed(3, 10),
		"negative header": changed(0, 0xff), "other payload": changed(len(whole)-1, 'x'), "other digest": changed(digestAt, 0),
	} {
		if m, err := Decode(text); err == nil {
			t.Errorf("%s: read as %+v", what, m)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(newMessage(Output, 0, Data, []byte("hello")).Encode())
	f.Add(newMessage(Acknowledge, 3, 0, JSON(acknowledgement{Type: Output, Sequence: 1})).Encode())
	f.Add(newMessage(Start, 3, 0, nil).Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Decode(text)
		if err != nil {
			return
		}
		again, err := Decode(m.Encode())
		if m.Type != Start && m.Type != Pause && err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, again); diff != "" && err == nil {
			t.Error(diff)
		}
	})
}
