package node_test

import (
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"
)

// cable carries the packets between all companies, as badly as it is told.
type cable struct {
	simnet.PerfectRouter

	mu      sync.Mutex // guards the fields below
	rng     *rand.Rand
	weather weather
	cut     map[string]bool         // hosts that nothing reaches
	public  map[string]*net.UDPAddr // address → as others see it now
	private map[string]*net.UDPAddr // and back
}

// weather is what befalls packets, in percent of them.
type weather struct{ lose, double, delay int }

func newCable(rng *rand.Rand) *cable {
	return &cable{rng: rng, cut: map[string]bool{}, public: map[string]*net.UDPAddr{}, private: map[string]*net.UDPAddr{}}
}

func (c *cable) SendPacket(p simnet.Packet) error {
	c.mu.Lock()
	from, to := p.From.(*net.UDPAddr), p.To.(*net.UDPAddr)
	if home := c.private[to.String()]; home != nil {
		to, p.To = home, home
	}
	gone := c.cut[from.IP.String()] || c.cut[to.IP.String()] || c.rng.IntN(100) < c.weather.lose
	if other := c.public[from.String()]; other != nil {
		p.From = other
	}
	var late [2]time.Duration
	copies := 1
	if c.rng.IntN(100) < c.weather.double {
		copies = 2
	}
	for i := range late {
		if c.rng.IntN(100) < c.weather.delay {
			late[i] = time.Duration(c.rng.IntN(400)) * time.Millisecond
		}
	}
	c.mu.Unlock()
	if gone {
		return nil
	}
	for _, wait := range late[:copies] {
		if wait > 0 {
			time.AfterFunc(wait, func() { c.deliver(p) })
			continue
		}
		c.deliver(p)
	}
	return nil
}

// deliver hands a packet over; one for nobody is lost, as on any network.
func (c *cable) deliver(p simnet.Packet) { _ = c.PerfectRouter.SendPacket(p) }

// turn changes the weather.
func (c *cable) turn(w weather) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.weather = w
}

// part cuts a host off, or joins it again.
func (c *cable) part(host net.Addr, off bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut[host.(*net.UDPAddr).IP.String()] = off
}

// readdress has others see a host at another address, as behind a router that
// forgot its mapping.
func (c *cable) readdress(host net.Addr, port int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	home := host.(*net.UDPAddr)
	seen := &net.UDPAddr{IP: home.IP, Port: port}
	c.public[home.String()], c.private[seen.String()] = seen, home
}

// clear makes the network good again; addresses stay as they are seen.
func (c *cable) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.weather = weather{}
	clear(c.cut)
}

// wire is a node's socket: a dead or frozen process neither speaks nor hears.
type wire struct {
	*simnet.SimConn
	p *process
}

func (s *wire) WriteTo(b []byte, to net.Addr) (int, error) {
	if s.p.mouth.silent() {
		return len(b), nil
	}
	return s.SimConn.WriteTo(b, to)
}

func (s *wire) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := s.SimConn.ReadFrom(b)
		if err != nil || !s.p.mouth.silent() {
			return n, from, err
		}
	}
}
