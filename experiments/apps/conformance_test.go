package apps_test

import (
	"testing"

	"suspect/detectors"
	"suspect/detectors/detectortest"
	"suspect/experiments/apps"
	"suspect/model"
)

const period = model.Millisecond

// made returns an automaton or the error without it.
func made[A model.Automaton](a A, err error) (model.Automaton, error) {
	if err != nil {
		return nil, err
	}
	return a, nil
}

func server(env detectors.Env, service model.Duration) (model.Automaton, error) {
	return made(apps.NewServer(apps.ServerConfig{Self: env.Self, N: model.ProcessID(env.N), Service: service, Bytes: 1000}))
}

// Applications keep the contract that detectors keep. The first process has the part of
// the name; the others talk to it, and alone there is a server.
func TestConformance(t *testing.T) {
	const second = 1
	client := func(env detectors.Env, to model.ProcessID) (model.Automaton, error) {
		return made(apps.NewClient(apps.ClientConfig{
			Self: env.Self, Server: to, Phase: period / 5, Think: period / 4, Timeout: 2 * period, Bytes: 100,
		}))
	}
	ping := func(env detectors.Env, to model.ProcessID) (model.Automaton, error) {
		return made(apps.NewPing(apps.PingConfig{Self: env.Self, To: to, Phase: 3 * period / 8, Period: period / 2, Bytes: 64}))
	}
	sender := func(env detectors.Env, to model.ProcessID, packets int64) (model.Automaton, error) {
		return made(apps.NewSender(apps.SenderConfig{
			Self: env.Self, To: to, Packets: packets, Bytes: 1460, Window: 4, Timeout: 2 * period,
		}))
	}
	receiver := func(env detectors.Env, from model.ProcessID) (model.Automaton, error) {
		return made(apps.NewReceiver(apps.ReceiverConfig{Self: env.Self, From: from, Bytes: 40}))
	}
	parts := []struct {
		name          string
		first, others detectortest.New
	}{
		{"server", func(e detectors.Env) (model.Automaton, error) { return server(e, period/16) },
			func(e detectors.Env) (model.Automaton, error) { return client(e, 0) }},
		{"server without service time", func(e detectors.Env) (model.Automaton, error) { return server(e, 0) },
			func(e detectors.Env) (model.Automaton, error) { return ping(e, 0) }},
		{"client", func(e detectors.Env) (model.Automaton, error) { return client(e, second) },
			func(e detectors.Env) (model.Automaton, error) { return server(e, period/16) }},
		{"ping", func(e detectors.Env) (model.Automaton, error) { return ping(e, second) },
			func(e detectors.Env) (model.Automaton, error) { return server(e, 0) }},
		{"sender", func(e detectors.Env) (model.Automaton, error) { return sender(e, second, 1_000_000) },
			func(e detectors.Env) (model.Automaton, error) { return receiver(e, 0) }},
		{"sender of a short flow", func(e detectors.Env) (model.Automaton, error) { return sender(e, second, 30) },
			func(e detectors.Env) (model.Automaton, error) { return receiver(e, 0) }},
		{"receiver", func(e detectors.Env) (model.Automaton, error) { return receiver(e, second) },
			func(e detectors.Env) (model.Automaton, error) { return sender(e, 0, 1_000_000) }},
	}
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			detectortest.Test(t, func(env detectors.Env) (model.Automaton, error) {
				switch {
				case env.N == 1:
					return server(env, 0)
				case env.Self == 0:
					return part.first(env)
				}
				return part.others(env)
			}, period)
		})
	}
}
