// Package graphfile reads network topologies from DOT and GraphML files.
//
// # What a file says
//
// A file is one undirected graph. Nodes are hosts or switches, and edges are
// full-duplex links. The attribute kind of a node is "host" or "switch"; a node
// without it is a host if it has exactly one link, and a switch otherwise. Attributes
// of an edge describe both directions of the link:
//
//	rate    "10Gbps"                 bits per second
//	delay   "5us"                    propagation
//	jitter  "exponential(20us)"      added to the delay of each packet
//	loss    "0.1%"                   independent loss
//	buffer  "256KiB", "100packets"   of each output queue
//
// What an edge leaves open comes from [Options]: Edge for the links of hosts, Core
// for the links between switches. Hosts are numbered before switches, both in
// the order of the file.
//
// Other attributes, such as those for drawing, are ignored; but a name that is nearly
// one of the above, or that other tools use for the same (bandwidth, latency), is
// an error, so that a slip of the pen does not go unnoticed.
//
// Directed graphs, parallel links, loops at one node, hosts with more than one
// link, and networks in several parts are errors. Parsing reports all errors that it
// can, as an [ErrorList] with line and column.
//
// # DOT
//
// The language is that of Graphviz (https://graphviz.org/doc/info/lang.html):
// default attributes by node [...] and edge [...], subgraphs, ports (ignored),
// joined strings, comments. The keyword strict changes nothing. The parser is our
// own because the one of gonum keeps no positions; the tests compare the two.
//
// # GraphML
//
// Attributes are <data> elements; their keys' attr.name counts. A node's name is its
// label where it has one, and its id otherwise; nodes that share a label are told
// apart by their ids, as "Paris (12)". Edges of the Internet Topology Zoo (Knight et
// al., "The Internet Topology Zoo", IEEE JSAC 29(9), 2011) take their rate from
// LinkSpeedRaw, or else from LinkSpeed and LinkSpeedUnits. Those files know routers
// only: [Options].HostsPerSwitch attaches hosts to them. Document types with
// entities are refused, nested graphs and hyperedges too.
package graphfile
