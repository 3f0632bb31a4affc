package node

import (
	"net"
	"net/http"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parley/node/ledger"
)

// outside is what a node reaches beyond its home. The zero value is the real
// thing; the deterministic simulation puts a crashable disk, a simulated network
// and an in-process tenant in its place, and switches the faces off, whose
// sockets would stop its clock.
type outside struct {
	disk     vfs.FS              // holds the ledger, in the home's path; nil: the operating system's
	step     func(*ledger.Batch) // sees each batch before it is committed; nil: nobody does
	wire     net.PacketConn      // to partners, the caller's to close; nil: a UDP socket at parley.toml's address
	jira     http.RoundTripper   // to the tenant; nil: a connection pool
	faceless bool                // no local API and no page
}
