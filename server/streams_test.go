package server

import (
	"strconv"
	"testing"
)

// TestStreamsOfAnAddressAreBounded: behind one address may be many, but not all.
func TestStreamsOfAnAddressAreBounded(t *testing.T) {
	var s streams
	for i := range maxAddressStreams {
		if _, err := s.enter(strconv.Itoa(i), "a"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.enter("one", "a"); err == nil {
		t.Error("one address has more")
	}
	leave, err := s.enter("one", "b")
	if err != nil {
		t.Error(err)
	}
	if leave(); s.of["user one"] != 0 || len(s.of) != maxAddressStreams+1 || s.all != maxAddressStreams {
		t.Error("what has ended is counted")
	}
}
