package apps

import (
	"encoding/binary"
	"fmt"
	"math"

	"suspect/model"
)

// ServerConfig describes a [Server].
type ServerConfig struct {
	Self, N  model.ProcessID // the server is one of N processes
	Service  model.Duration  // what a request takes; not negative
	Bytes    int32           // payload of a reply
	Priority model.Priority
}

// Server answers requests, whoever sends them, in the order of their arrival. It works
// on one at a time; the others wait. With no service time it is the far side of a ping.
type Server struct {
	config ServerConfig
	queue  []job // a ring; the first is in service
	first  int
	length int
}

// job is a request that is not answered yet.
type job struct {
	from model.ProcessID
	seq  int64
	done model.Time // when it is answered
}

// NewServer returns a server without requests.
func NewServer(c ServerConfig) (*Server, error) {
	if c.Service < 0 || c.Service > longest || c.Self < 0 || c.Self >= c.N {
		return nil, fmt.Errorf("apps: a server that takes %v, process %d of %d: the time must not be negative, and the process one of them", c.Service, c.Self, c.N)
	}
	return &Server{config: c}, checkBytes("replies", c.Bytes)
}

// at returns job i of the queue.
func (s *Server) at(i int) *job { return &s.queue[(s.first+i)%len(s.queue)] }

// Step takes a request, and answers what is done.
func (s *Server) Step(now model.Time, in *model.Input, out *model.Output) {
	s.answer(now, out)
	if m := &in.Message; in.Kind == model.Deliver && m.Kind == requestKind && m.From >= 0 && m.From < s.config.N && m.From != s.config.Self {
		begin := now
		if s.length > 0 {
			begin = s.at(s.length - 1).done
		}
		s.push(job{m.From, m.Seq, begin.Add(s.config.Service)})
		s.answer(now, out)
	}
	if s.length > 0 {
		out.Wake = s.at(0).done
	}
}

// answer replies to the requests that are done.
func (s *Server) answer(now model.Time, out *model.Output) {
	for s.length > 0 && s.at(0).done <= now {
		j := s.at(0)
		out.Send = append(out.Send, model.Message{
			From: s.config.Self, To: j.from, Kind: replyKind, Seq: j.seq, Bytes: s.config.Bytes, Priority: s.config.Priority,
		})
		s.first = (s.first + 1) % len(s.queue)
		s.length--
	}
}

func (s *Server) push(j job) {
	if s.length == len(s.queue) {
		ring := make([]job, max(8, 2*s.length))
		for i := range s.length {
			ring[i] = *s.at(i)
		}
		s.queue, s.first = ring, 0
	}
	s.length++
	*s.at(s.length - 1) = j
}

// Clone returns a copy.
func (s *Server) Clone() model.Automaton {
	c := *s
	c.queue = append([]job(nil), s.queue...)
	return &c
}

// AppendState writes the requests in their order, each with the time left until it is done.
func (s *Server) AppendState(b []byte, now model.Time) []byte {
	b = binary.AppendUvarint(b, uint64(s.length))
	for i := range s.length {
		j := s.at(i)
		b = binary.AppendUvarint(b, uint64(j.from))
		b = binary.AppendVarint(b, j.seq)
		b = appendLeft(b, j.done, now)
	}
	return b
}

// LoadState is the inverse of AppendState.
func (s *Server) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	s.first, s.length = 0, 0
	n, b, err := loadNumber(b, math.MaxInt32)
	if err != nil {
		return b, err
	}
	before := now
	for range n {
		var j job
		from, rest, err := loadNumber(b, uint64(s.config.N-1))
		if err != nil || model.ProcessID(from) == s.config.Self {
			return b, errEncoding
		}
		seq, size := binary.Varint(rest)
		if size <= 0 {
			return b, errEncoding
		}
		j.from, j.seq = model.ProcessID(from), seq
		if j.done, b, err = loadLeft(rest[size:], now, model.Duration(model.MaxTime)); err != nil || j.done < before || j.done.Sub(before) > s.config.Service {
			return b, errEncoding
		}
		before = j.done
		s.push(j)
	}
	return b, nil
}
