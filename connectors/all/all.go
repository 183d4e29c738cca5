// Package all is the list of connectors. A new connector is a folder beside this one and a line here.
//
// Contract: the list is made anew at each call; there is no registry.
package all

import (
	"weir/connectors"
	"weir/connectors/blackhole"
	"weir/connectors/datagen"
	"weir/connectors/filesystem"
	"weir/connectors/print"
)

// List is all connectors but those that need a session's own objects, by name.
func List() []connectors.Connector {
	return []connectors.Connector{
		blackhole.Connector,
		datagen.Connector,
		filesystem.Connector,
		// kinesis comes here.
		print.Connector,
	}
}
