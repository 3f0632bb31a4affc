package replica

// Envelope is what whoever passes a replica on has to know of it.
type Envelope struct {
	Seq   Seq
	Link  LinkID
	Rules Hash
}

// Open reads the envelope of one replica. It takes what [Decode] takes, and
// refuses the rest with the same error; the items are checked, and not made,
// which is a third of the time for a small replica.
func Open(b []byte) (Envelope, error) {
	if e, ok := peek(b); ok {
		return e, nil
	}
	r, err := Decode(b) // which has the words for what is wrong
	if err != nil {
		return Envelope{}, err
	}
	return Envelope{r.Seq, r.Link, r.Rules}, nil
}

// peek opens the commonest replicas. One that withdraws an item or brings
// unknown keys is judged by its maps, which Decode makes.
func peek(b []byte) (Envelope, bool) {
	if len(b) > MaxReplica {
		return Envelope{}, false
	}
	s, err := newLook(b)
	if err != nil {
		return Envelope{}, false
	}
	var r Replica
	for range s.mapLen(len(known)) {
		key := s.str(maxExtraKey)
		if s.err != nil {
			break
		}
		r.decodeKey(s, key)
	}
	ok := s.close() == nil && r.Version == Version1 && r.flaw() == ""
	return Envelope{r.Seq, r.Link, r.Rules}, ok
}
