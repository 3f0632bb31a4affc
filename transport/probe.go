package transport

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

const (
	probeSize     = 1200       // bytes: the least that a first QUIC packet has (RFC 9000, section 14.1), and answers to
	probeVersion  = 0x1a2a3a4a // of the pattern that no version will ever use (RFC 9000, section 15)
	probeInterval = time.Second
	probeID       = 8 // bytes of a connection id
)

// What Probe tells apart. Another error is a name that cannot be looked up, or a network without a route.
var (
	ErrNothingListens = errors.New("the host answers that nothing listens on this UDP port")
	ErrNoAnswer       = errors.New("no answer: UDP is filtered on the way, or nothing listens there")
)

// Probe asks whether QUIC packets get to address (host:port) and back, without any key: a packet of a reserved version must be answered with
// version negotiation. It repeats the packet each second until ctx ends, which must have an end. It says nothing of who answers.
func Probe(ctx context.Context, address string) error {
	if _, ok := ctx.Deadline(); !ok {
		return errors.New("probing: the context must have a deadline")
	}
	addrs, err := resolve(ctx, address)
	if err != nil {
		return err
	}
	conn, err := net.DialUDP("udp", nil, addrs[0])
	if err != nil {
		return fmt.Errorf("probing %s: %w", address, err)
	}
	defer conn.Close()
	for {
		answered, err := probeOnce(ctx, conn)
		switch {
		case answered:
			return nil
		case errors.Is(err, syscall.ECONNREFUSED):
			return fmt.Errorf("probing %s: %w", address, ErrNothingListens)
		case err != nil:
			return fmt.Errorf("probing %s: %w", address, err)
		case ctx.Err() != nil:
			return fmt.Errorf("probing %s: %w", address, ErrNoAnswer)
		}
	}
}

// probeOnce sends one packet and waits up to probeInterval for its answer. Anything else that arrives is passed over.
func probeOnce(ctx context.Context, conn *net.UDPConn) (answered bool, err error) {
	ids := make([]byte, 2*probeID)
	rand.Read(ids)
	packet := probePacket(ids[:probeID], ids[probeID:])
	if _, err := conn.Write(packet); err != nil {
		return false, err
	}
	end := time.Now().Add(probeInterval)
	if deadline, _ := ctx.Deadline(); deadline.Before(end) {
		end = deadline
	}
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Now()) })
	defer stop()
	conn.SetReadDeadline(end)
	answer := make([]byte, probeSize)
	for {
		n, err := conn.Read(answer)
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if isNegotiation(answer[:n], ids[:probeID], ids[probeID:]) {
			return true, nil
		}
	}
}

// probePacket is a long header of the reserved version (RFC 8999, section 5.1), filled up to probeSize.
func probePacket(to, from []byte) []byte {
	b := []byte{0xc0, probeVersion >> 24 & 0xff, probeVersion >> 16 & 0xff, probeVersion >> 8 & 0xff, probeVersion & 0xff}
	b = append(append(b, byte(len(to))), to...)
	b = append(append(b, byte(len(from))), from...)
	return append(b, make([]byte, probeSize-len(b))...)
}

// isNegotiation recognises a version negotiation packet (RFC 8999, section 6): version zero, our connection ids the other way round.
func isNegotiation(b, to, from []byte) bool {
	want := append([]byte{0, 0, 0, 0, byte(len(from))}, from...)
	want = append(append(want, byte(len(to))), to...)
	return len(b) > 1+len(want) && b[0]&0x80 != 0 && bytes.HasPrefix(b[1:], want)
}
