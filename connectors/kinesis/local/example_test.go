package local_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"weir/connectors/kinesis/local"
)

// A server in memory at a free port, and the AWS SDK against it. In a test, local.RunTest(t) is all it takes: the
// configuration which the SDK loads by default then points at the server.
func ExampleRun() {
	ctx := context.Background()
	server, err := local.Run(local.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close(ctx)
	client := kinesis.New(kinesis.Options{Region: "us-east-1", BaseEndpoint: aws.String(server.URL()),
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")})
	_, err = client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	put, err := client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String("orders"), PartitionKey: aws.String("a"), Data: []byte("hello")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*put.ShardId)
	// Output: shardId-000000000000
}
