package reproduce

import (
	"context"
	"fmt"
	"slices"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/sim"
)

// released returns what a limiter lets leave of the packets that a host would send at
// the given times, none of which it may refuse.
func released(c qjump.LimiterConfig, packet network.Send, wants []model.Time) ([]network.Send, error) {
	l, err := qjump.NewLimiter(c)
	if err != nil {
		return nil, err
	}
	sends := make([]network.Send, len(wants))
	for i, now := range wants {
		sends[i] = packet
		var ok bool
		if sends[i].At, ok = l.Admit(now, packet.Bytes); !ok {
			return nil, fmt.Errorf("the limiter refuses packet %d, at %v", i, now)
		}
	}
	return sends, nil
}

// lost is the delay of a packet that did not arrive.
const lost model.Duration = -1

// delays sends packets on a network of the given topology and returns how long each
// took, from its time in the schedule until its last bit was at the receiver, or lost.
// It puts sends into the order of time, which is that of the delays.
func delays(ctx context.Context, c network.Config, sends []network.Send) ([]model.Duration, error) {
	slices.SortStableFunc(sends, func(a, b network.Send) int { return int(a.At - b.At) })
	k := sim.New(0)
	n, err := network.New(k, c)
	if err != nil {
		return nil, err
	}
	took := slices.Repeat([]model.Duration{lost}, len(sends))
	k.Records.Subscribe(model.KindSet(model.Delivered), func(r *model.Record) { took[r.Packet-1] = r.At.Sub(r.SentAt) })
	if err := n.AddTraffic(network.Traffic{Kind: network.Schedule, Name: "schedule", Sends: sends}); err != nil {
		return nil, err
	}
	if err := k.Run(sends[len(sends)-1].At.Add(model.Minute), budget(ctx)); err != nil {
		return nil, err
	}
	if left := n.InFlight(); left != 0 {
		return nil, fmt.Errorf("%d packets are still under way after a minute", left)
	}
	return took, nil
}
