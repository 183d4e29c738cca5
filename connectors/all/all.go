// Package all is the list of connectors. A new connector is a folder beside this one and a line here.
//
// Contract: the list is made anew at each call; there is no registry.
package all

import (
	"weir/connectors"
	"weir/connectors/blackhole"
	"weir/connectors/datagen"
	"weir/connectors/dynamodb"
	"weir/connectors/faker"
	"weir/connectors/filesystem"
	httpconn "weir/connectors/http"
	"weir/connectors/kinesis"
	"weir/connectors/models/bedrock"
	"weir/connectors/models/local"
	"weir/connectors/models/openai"
	"weir/connectors/models/sagemaker"
	"weir/connectors/print"
)

// List is all connectors by name, but for memory, which belongs to a session: add its own
// (memory.Tables).Connector().
func List() []connectors.Connector {
	return []connectors.Connector{
		blackhole.Connector,
		datagen.Connector,
		dynamodb.Connector,
		faker.Connector,
		filesystem.Connector,
		httpconn.Connector,
		httpconn.AsyncSinkConnector,
		httpconn.SinkConnector,
		kinesis.Connector,
		print.Connector,
	}
}

// Providers is all providers of models by name.
func Providers() []connectors.Connector {
	return []connectors.Connector{
		bedrock.Provider,
		httpconn.Provider,
		local.Provider,
		openai.Provider,
		sagemaker.Provider,
	}
}
