package local

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// What the API model forbids of a member, beyond what the tests of single operations show.
func TestConstraints(t *testing.T) {
	r := newRig(t, Options{})
	r.create("s", 2)
	arn := r.server.streamARN("s")
	iterator := r.iterator("s", 0, "LATEST")
	f := func(operation string, good, bad map[string]any, member string) {
		t.Helper()
		request := maps.Clone(good)
		if request == nil {
			request = map[string]any{}
		}
		maps.Copy(request, bad)
		body, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		reply := call(t, r.server, nil, targetPrefix+operation, jsonContentType, string(body))
		got := text(t, reply)
		if reply.StatusCode != 400 || !strings.Contains(got, `"ValidationException"`) || !strings.Contains(got, "'"+member) {
			t.Errorf("%s %s: %d %s, want a ValidationException of %q", operation, body, reply.StatusCode, got, member)
		}
	}
	type m = map[string]any
	stream, resource := m{"StreamName": "s"}, m{"ResourceARN": arn}
	f("AddTagsToStream", stream, m{"Tags": m{}}, "tags")
	f("AddTagsToStream", stream, m{"Tags": m{strings.Repeat("k", 129): "v"}}, "tags.key")
	f("TagResource", resource, m{"Tags": m{}}, "tags")
	f("CreateStream", m{"StreamName": "t", "ShardCount": 1}, m{"Tags": m{}}, "tags")
	f("RegisterStreamConsumer", m{"StreamARN": arn, "ConsumerName": "c"}, m{"Tags": m{}}, "tags")
	f("RemoveTagsFromStream", stream, m{"TagKeys": []string{}}, "tagKeys")
	f("RemoveTagsFromStream", stream, m{"TagKeys": make([]string, 51)}, "tagKeys")
	f("RemoveTagsFromStream", stream, m{"TagKeys": []string{""}}, "tagKeys")
	f("UntagResource", resource, m{"TagKeys": []string{}}, "tagKeys")
	f("UntagResource", resource, m{"TagKeys": []string{strings.Repeat("k", 129)}}, "tagKeys")
	f("GetRecords", m{"ShardIterator": iterator}, m{"StreamARN": "!! bad"}, "streamARN")
	f("DeregisterStreamConsumer", nil, m{"ConsumerARN": arn}, "consumerARN")
	f("UpdateStreamMode", m{"StreamModeDetails": m{"StreamMode": "ON_DEMAND"}}, m{"StreamName": "s"}, "streamARN")
	f("UpdateStreamMode", m{"StreamARN": arn, "StreamModeDetails": m{"StreamMode": "ON_DEMAND"}}, m{"WarmThroughputMiBps": -1}, "warmThroughputMiBps")
	f("UpdateStreamRecordDistributionStrategy", m{"RecordDistributionStrategy": "AUTO"}, m{"StreamName": "s"}, "streamARN")
	f("PutRecords", stream, m{"Records": []m{{"PartitionKey": "k"}}}, "records.1.member.data")
	f("ListShards", stream, m{"ShardFilter": m{"Type": "NOPE"}}, "shardFilter.type")
}

// GetRecords by StreamARN wants an iterator of that stream.
func TestGetRecordsOfAnotherStream(t *testing.T) {
	r := newRig(t, Options{})
	r.create("s", 1)
	r.create("other", 1)
	iterator := r.iterator("s", 0, "LATEST")
	f := func(arn, want string) {
		t.Helper()
		reply := call(t, r.server, nil, targetPrefix+"GetRecords", jsonContentType, `{"ShardIterator":"`+iterator+`","StreamARN":"`+arn+`"}`)
		if got := text(t, reply); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", arn, got, want)
		}
	}
	f(r.server.streamARN("s"), `"Records":[]`)
	f(r.server.streamARN("other"), `"InvalidArgumentException"`)
	f(r.server.streamARN("none"), `"ResourceNotFoundException"`)
}
