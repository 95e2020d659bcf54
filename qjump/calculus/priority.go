package calculus

import (
	"errors"
	"fmt"
	"math/big"
)

// Port is an output port that sends whole frames, always one of the highest priority
// that has any, and never breaks off a frame.
type Port struct {
	Rate       *big.Rat // of the line, positive
	LowerFrame *big.Rat // the longest frame of any class below the one looked at, or 0
}

// Service returns what the port leaves to a class beside the classes above it, with
// arrivals higher: the positive part of C*t - L - higher (Le Boudec and
// Thiran). For a token bucket that is the rate C-r and the
// latency (b+L)/(C-r). With nothing above it is the rate C and the latency L/C. It is
// an error if the rate is not positive or the frame is missing or negative.
func (p Port) Service(higher Arrival) (Service, error) {
	if p.Rate == nil || p.Rate.Sign() <= 0 || p.LowerFrame == nil || p.LowerFrame.Sign() < 0 {
		return Service{}, errors.New("calculus: a port needs a positive rate and a lower frame that is not negative")
	}
	return LeftOverBlind(newService([]RateLatency{{p.Rate, quo(p.LowerFrame, p.Rate)}}), higher), nil
}

// Delay bounds the time from the arrival of a frame to its last bit: (b_H+b+L)/(C-r_H)
// for token buckets, so that the top class, with [NoArrival] above it, has (b+L)/C. It is
// an error ([ErrOverload]) if class and higher together have a greater rate than the
// port.
func (p Port) Delay(class, higher Arrival) (Bound, error) {
	service, err := p.check(class, higher)
	if err != nil {
		return Bound{}, err
	}
	return Delay(class, service), nil
}

// DelayOfFrame bounds the same for a frame of the given length, knowing that it is sent
// at the rate of the line once it is begun: for token buckets
// (b_H+b+L-l)/(C-r_H) + l/C (Mohammadpour, Stai and Le Boudec, "Improved delay bound for
// a service curve element with known transmission rate", 2019). The shorter the frame,
// the larger the bound: for a class it is that of its shortest frame. It is an error if
// the length is not positive or greater than the burst, and as for Delay.
func (p Port) DelayOfFrame(class, higher Arrival, length *big.Rat) (Bound, error) {
	service, err := p.check(class, higher)
	if err != nil {
		return Bound{}, err
	}
	if length == nil || length.Sign() <= 0 || length.Cmp(class.lines[0].at) > 0 {
		return Bound{}, errors.New("calculus: the length of a frame must be positive, and at most the burst of its class")
	}
	ahead := Arrival{make([]line, len(class.lines))}
	for i, l := range class.lines {
		ahead.lines[i] = line{sub(l.at, length), l.slope}
	}
	start := Delay(ahead, service)
	if ahead.none() && len(service.pieces) > 0 { // a single frame, which waits for those of others
		start = Bound{service.pieces[0].Latency}
	} else if ahead.none() {
		start = Bound{}
	}
	return start.Add(Bound{quo(length, p.Rate)}), nil
}

func (p Port) check(class, higher Arrival) (Service, error) {
	service, err := p.Service(higher)
	if err != nil {
		return Service{}, err
	}
	own, bounded := class.Rate()
	above, boundedAbove := higher.Rate()
	if !bounded || !boundedAbove {
		return Service{}, errors.New("calculus: a class without arrival curve has no bound")
	}
	if sum := add(own, above); sum.Cmp(p.Rate) > 0 {
		return Service{}, fmt.Errorf("calculus: a port of rate %s, classes of rate %s: %w", p.Rate.RatString(), sum.RatString(), ErrOverload)
	}
	return service, nil
}
