// Package calculus is deterministic network calculus with exact rational numbers: it
// bounds delays and backlogs of flows that cross servers, where QJUMP's own formulas do
// not reach.
//
// A flow sends at most a(t) in any time t: an [Arrival], the minimum of token buckets
// b + r*t. A server does at least s(t) in its first t of work: a [Service], the maximum
// of rate-latency curves R*(t-T). For one of each with r <= R, the delay is at most
// T + b/R, the backlog b + r*T, and the flow behind the server has the bucket
// b + r*T + r*t; servers in a row are one with the smallest rate and the sum of the
// latencies. The operations do the same for all concave and convex piecewise-linear
// curves. [Analyse] applies them to a [Network] without cycles; [Port] is one port with
// strict priorities; [ReadSaihu] reads networks from a file.
//
// # What is proved
//
// The results rest on Le Boudec and Thiran, "Network Calculus", 2001, and on Bouillard,
// Boyer and Le Corronc, "Deterministic Network Calculus", 2018 (TFA and SFA). The arrivals
// at a server are bounded line by line: flows that come the same way are bounded
// together, as one flow among the others. The order of service decides what a server
// leaves to a flow. Under FIFO that is [LeftOverFIFO]. Blind multiplexing takes the worst order for each flow
// ([LeftOverBlind]), and the service curves to be strict.
//
// SFA and PMOO under blind multiplexing bound the traffic that crosses a flow as if the
// flow were not there, but only where both come over the same line. The reason: keep the
// traffic that joins the flow's path from elsewhere as it is, and the work that each
// server on the path can do at any time. Serve the flow last everywhere, and every slot of
// work as before among the others, or else for any of them; where the server had nothing
// left to do, let it do at once what there is, which is no more than had come before, so
// that its service stays strict. By induction along the path, every cross flow then leaves
// each server no later than before, while the flow and the cross flows that stay with it,
// taken together, leave no earlier. So the flow leaves the last server no earlier, and
// meets only cross traffic that it never held up on its path. For traffic that parts from
// the flow and joins it again from another line, this does not hold, and the flow is
// counted there.
//
// Under FIFO nobody gives way, so that the argument fails. SFA under FIFO is there to
// compare with NetCal DNC, which does the same, and its [Status] is Comparison.
// [SFACounting] leaves out no flow and is proved for both orders.
//
// # What there is not
//
// Bounds by linear programs (LUDB, ELP, PLP), which are tighter under FIFO; cycles;
// traffic that is a staircase rather than a token bucket, which is why the bounds of
// package qjump, where they apply, are smaller. Where the rate of the flows equals the
// service rate, delays under FIFO are finite and busy periods, so TFA under blind
// multiplexing, infinite.
package calculus
