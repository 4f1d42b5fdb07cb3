package rest

import (
	"strconv"
	"testing"
)

// TestStreamsOfAnAddressAreBounded: behind one address may be many, but not all.
func TestStreamsOfAnAddressAreBounded(t *testing.T) {
	var s Streams
	for i := range maxAddressStreams {
		if _, err := s.Enter(strconv.Itoa(i), "a"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Enter("one", "a"); err == nil {
		t.Error("one address has more")
	}
	leave, err := s.Enter("one", "b")
	if err != nil {
		t.Error(err)
	}
	if leave(); s.of["user one"] != 0 || len(s.of) != maxAddressStreams+1 || s.all != maxAddressStreams {
		t.Error("what has ended is counted")
	}
}
