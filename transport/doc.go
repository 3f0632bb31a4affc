// Package transport is an authenticated pipe between two companies' nodes: who a node is, whom it trusts, and QUIC sessions with those. It
// knows nothing of tickets or replicas; what crosses a session, and the names of connections, are opaque to it.
//
// What it keeps true:
//
//   - A key that is not paired gets no further than the TLS handshake. Both ends judge every handshake by the pin alone: a leaf of 90 days
//     signed by the pinned node key, TLS 1.3, no CA pool, no session ticket, no 0-RTT.
//   - Only an active peer is served, and is told nothing of any connection before it is active: both administrators confirmed and both
//     signatures are stored. Until then a connected peer is quarantined.
//   - Of several connections with a peer both ends keep the same one; Serve runs for one at a time. A revoked peer's sessions are closed
//     when Revoke returns. No session outlives a certificate of its handshake.
//   - Strangers who dial take a small share of the node, whatever their number; who holds a card of ours gets in meanwhile (gate.go).
//   - What a peer sends is bounded before anything is allocated for it, and no decoder panics.
//   - Run returns when everything that it started has ended.
//
// It never stores a private key outside the identity's directory, never writes a key or nonce into an error or a log, never trusts a time or an
// address that a peer names, and never reads what a frame holds.
//
// # Pairing
//
// Each side offers the other a card, accepts the other's card (which pins the key), and confirms. When the nodes meet they show the nonces that
// their cards committed to, and both screens show the same four words: 44 bits of
//
//	SHA-256("parley words v1\0" ‖ pin ‖ SHA-256(card) ‖ nonce ‖ pin ‖ SHA-256(card) ‖ nonce), the smaller pin first
//
// Nothing of the connection is in it, so that each contact gives the same words. (With a TLS exporter in it, somebody in between
// could break off after seeing our nonce and try fresh exporters until the words fit; as it is, all that one can choose is fixed before the first
// nonce is shown: one try in 2^44.) A card is met with once: a second partner that holds it is refused.
//
// States of a Peer: offered (a card of ours that waits), accepted (theirs is pinned), met (words fixed), active, revoked.
//
// # Records
//
// Cards, stored peers, greetings and hellos are records: fields of tag (1 byte), length (3 bytes, big endian), value; tags never fall, a repeated
// tag is a list, an absent one is zero or empty. Numbers are 8 bytes, big endian, and never zero. There is one way to write a record.
// (msgpack is not used here: its library must not be given a peer's bytes unguarded, and the guard belongs to the replica format.)
//
// Version rule: new fields get new tags. A reader passes over tags it does not know in cards (the signature covers them), greetings and hellos;
// in a stored peer they are an error. Where old readers would misunderstand, the version in field 1 of a card or stored peer rises, or the
// protocol version of the greeting; the highest common version is used, and one that was agreed on with a peer is its floor from then on.
//
//	card, "-----BEGIN PARLEY CARD-----", base64, at most 16 KiB
//	  1  version: 1 byte, 1                     7  present: dials out only, no addresses
//	  2  node certificate: DER                  8  lowest protocol version: 1 byte
//	  3  name: 1 to 64 bytes of text            9  issued: Unix seconds
//	  4  kind of ledger key: "ed25519"         10  expires: Unix seconds, 7 days later
//	  5  ledger key: 32 bytes                  11  commitment: SHA-256("parley nonce v1\0" ‖ pin ‖ nonce)
//	  6  address: host:port, up to 16         255  signature of the node key over "parley card v1\0" ‖ the fields before
//
//	greeting, at most 16 KiB
//	  1, 2  protocol versions, lowest and highest
//	  3, 4  versions of the caller's format
//	  5  build, for display     6  feature, up to 64
//	  7  the sender's clock: Unix milliseconds
//	  8  present: the sender holds the pairing for active
//	  9  SHA-256 of the receiver's card that the sender accepted
//	 10  signature of the node key over "parley clock v1\0" ‖ TLS exporter ‖ clock ‖ pin
//
//	hello: 1  position, up to 4,096 of up to 1 KiB, in the caller's own format
//
// A node key signs with Ed25519, or with ECDSA P-256 over SHA-256 where the company's own PKI made it. A pin is the SHA-256 of its
// SubjectPublicKeyInfo; a NodeID shows the pin.
//
// # Frames
//
// A frame is the length of its body (4 bytes, big endian, at most 1 MiB), its kind (1 byte, below 0x80) and its body. A message longer than a
// frame is full frames with 0x80 added to the kind, and a last one without.
//
// # Knocking
//
// A dialler offers two application protocols: "parley/1", which is chosen, and one that shows that it holds a card of the node it dials:
//
//	"parley-card/" ‖ base64url without padding of the first 16 bytes of HMAC-SHA-256(SHA-256(card), "parley knock v1\0" ‖ hours since 1970: 8 bytes)
//
// A listener takes the hours before and after for good, too. It is no proof of who dials; without it a dialler waits among strangers, of whom a
// node hears a few a second and refuses the rest before it computes anything for them. Those are counted (Pairing.Unheard), not listed.
//
// # Session
//
// The dialler opens the control stream, the first bidirectional one. On it, frames of kind
//
//	1  greeting, by both sides at once
//	2  pick: 8 bytes, a number that rises; the node with the smaller id sends it on the connection that it chose, the other follows the highest
//	3  meet: the nonce (32 bytes) of the sender's card that the receiver holds; only while not both hold the pairing for active, as is
//	4  confirm: signature of the node key over "parley confirm v1\0" ‖ the hash that the words show ‖ the sender's pin
//	5  hello, by both sides once active
//
// and then the caller's control messages. Replicas go on unidirectional streams, one per connection and direction, whose first frame, of kind 1,
// holds the connection's id.
//
// Blobs go on the other bidirectional streams, one each, up to four at once in either direction: the side that wants the blob opens it, and the first
// frame, of kind 1, holds the connection's id; what follows is the caller's, in frames of at most 65,531 bytes. Each frame has a minute. QUIC sends
// control first, then replicas, then blobs (RFC 9218 urgencies 0, 3 and 7).
//
// Start at endpoint.go.
package transport
