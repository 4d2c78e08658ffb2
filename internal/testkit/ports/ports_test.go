package ports

import (
	"net"
	"testing"
)

func TestAPortIsTakenOnce(t *testing.T) {
	if missing() {
		t.Skip("this system has one address of loopback")
	}
	first, err := Take(3)
	if err != nil {
		t.Fatal(err)
	}
	defer first.GiveUp()
	for i := range 3 {
		other := &Taken{first: first.Port(i)}
		if other.keep(1) {
			t.Errorf("port %d was given twice", first.Port(i))
		}
		other.GiveUp()
	}
	l, err := net.Listen("tcp", first.At(0))
	if err != nil {
		t.Fatalf("who took it can't listen: %v", err)
	}
	first.GiveUp()
	other := &Taken{first: first.Port(0)}
	if other.keep(1) {
		t.Error("a port at which somebody listens was given")
	}
	other.GiveUp()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := &Taken{first: first.Port(0)}
	defer again.GiveUp()
	if !again.keep(3) {
		t.Error("what was given up is not to be had")
	}
}

func TestOneIsGivenUpAtTheTestsEnd(t *testing.T) {
	var at string
	t.Run("", func(t *testing.T) { at = One(t) })
	if !free(at) {
		t.Errorf("%s is not free", at)
	}
}
