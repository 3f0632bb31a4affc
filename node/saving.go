package node

import "sync"

// saving is the one backup that may be under way.
type saving struct {
	mu   sync.Mutex // guards the fields below
	busy bool
	now  BackupProgress
}

func (s *saving) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		return false
	}
	s.busy, s.now = true, BackupProgress{}
	return true
}

func (s *saving) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy, s.now = false, BackupProgress{}
}

func (s *saving) step(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Step = what
}

func (s *saving) add(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Bytes += bytes
}

func (s *saving) state() BackupProgress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}
