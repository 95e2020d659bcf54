package network

import "suspect/model"

// tellLinkState tells the subscribers of a router that from now on it holds links for alive,
// or for dead. The list is immutable from now on.
func (n *Network) tellLinkState(at NodeID, alive bool, links []model.Place) {
	if n.informants == nil || n.switchIsDown(at) || len(links) == 0 {
		return
	}
	for _, to := range n.agentOf(at).subscribers {
		n.tellLinks(at, to, alive, links)
	}
}

// tellLinks sends the state of links to one subscriber; that of those which are dead also
// answers a query, and then may be empty.
func (n *Network) tellLinks(at NodeID, to asker, alive bool, links []model.Place) {
	e := model.Evidence{Kind: model.LinkState, About: model.Nobody, Layer: model.SwitchLayer, Alive: alive, Links: links}
	if len(links) == 1 {
		e.Place = links[0]
	}
	n.tell(at, to, e)
}

// linksHeldDead returns the links that a switch holds for dead: by its routing protocol, or
// without one, those of its ports.
func (n *Network) linksHeldDead(at NodeID) []model.Place {
	f := n.informants
	if f.linkView != nil {
		return f.linkView(at)
	}
	var dead []model.Place
	for _, l := range n.portsOf(at) {
		if !f.links[l^1].seen {
			dead = append(dead, model.LinkPlace(int32(l)))
		}
	}
	return dead
}
