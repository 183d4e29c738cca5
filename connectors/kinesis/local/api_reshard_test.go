package local

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"pgregory.net/rapid"
)

func TestSplitAndMerge(t *testing.T) {
	c := newClock() // stands still: sequence numbers must order parents and children all the same
	r := newRig(t, Options{Clock: c.Now})
	name := "s"
	r.create(name, 1)
	for i := range 5 {
		r.put(name, "k", fmt.Sprint(i))
	}
	before := r.iterator(name, 0, types.ShardIteratorTypeTrimHorizon)
	middle := evenRanges(2)[1].First.String()
	ok(r.SplitShard(r.ctx, &kinesis.SplitShardInput{StreamName: &name, ShardToSplit: aws.String(shardID(0)), NewStartingHashKey: &middle}))(t)
	same(t, "shards", describe(r.shards(name)), "0[0-255]x 1<0[0-127] 2<0[128-255]")

	page := r.get(before, 3)
	same(t, "parent", joined(page.Records), "0,1,2")
	page = r.get(*page.NextShardIterator, 10)
	same(t, "rest of the parent", joined(page.Records), "3,4")
	same(t, "parent ends", page.NextShardIterator, nil)
	same(t, "children", len(page.ChildShards), 2)
	same(t, "child", *page.ChildShards[1].ShardId+page.ChildShards[1].ParentShards[0], shardID(2)+shardID(0))
	same(t, "child starts", *page.ChildShards[1].HashKeyRange.StartingHashKey, middle)

	parent := r.shards(name)[0].SequenceNumberRange
	lastOfParent := *page.Records[1].SequenceNumber
	out := r.put(name, "k", "child")
	if !(lastOfParent < *parent.EndingSequenceNumber && *parent.EndingSequenceNumber < *out.SequenceNumber) {
		t.Errorf("order of %s, %s and %s", lastOfParent, *parent.EndingSequenceNumber, *out.SequenceNumber)
	}
	same(t, "latest of a closed shard", r.get(r.iterator(name, 0, types.ShardIteratorTypeLatest), 0).NextShardIterator, nil)

	ok(r.MergeShards(r.ctx, &kinesis.MergeShardsInput{StreamName: &name, ShardToMerge: aws.String(shardID(2)), AdjacentShardToMerge: aws.String(shardID(1))}))(t)
	same(t, "shards", describe(r.shards(name)), "0[0-255]x 1<0[0-127]x 2<0[128-255]x 3<2<1[0-255]")
	same(t, "new record goes to", *r.put(name, "k", "merged").ShardId, shardID(3))
}

func TestReshardErrors(t *testing.T) {
	r := newRig(t, Options{ShardLimit: 4})
	name := "s"
	r.create(name, 4)
	split := func(shard uint32, at string) error {
		_, err := r.SplitShard(r.ctx, &kinesis.SplitShardInput{StreamName: &name, ShardToSplit: aws.String(shardID(shard)), NewStartingHashKey: &at})
		return err
	}
	merge := func(a, b uint32) error {
		_, err := r.MergeShards(r.ctx, &kinesis.MergeShardsInput{StreamName: &name, ShardToMerge: aws.String(shardID(a)), AdjacentShardToMerge: aws.String(shardID(b))})
		return err
	}
	scale := func(n int32) error {
		_, err := r.UpdateShardCount(r.ctx, &kinesis.UpdateShardCountInput{StreamName: &name, TargetShardCount: &n, ScalingType: types.ScalingTypeUniformScaling})
		return err
	}
	wantError(t, split(9, "1000"), "ResourceNotFoundException", shardID(9))
	wantError(t, split(1, "1000"), "InvalidArgumentException", "NewStartingHashKey 1000")
	wantError(t, split(0, "0"), "InvalidArgumentException", "NewStartingHashKey 0")
	wantError(t, split(0, "01"), "ValidationException", "newStartingHashKey")
	wantError(t, split(0, "1000"), "LimitExceededException", "Limit: 4")
	wantError(t, merge(0, 2), "InvalidArgumentException", "adjacent")
	wantError(t, merge(1, 1), "InvalidArgumentException", "adjacent")
	wantError(t, scale(9), "LimitExceededException", "double")
	wantError(t, scale(1), "LimitExceededException", "half")
	if err := merge(1, 0); err != nil {
		t.Fatal(err)
	}
	wantError(t, merge(1, 2), "InvalidArgumentException", "already been merged or split")
}

// Whatever is split, merged and scaled: open shards tile the space, children start after their parents end, and
// each record is found in a shard which owns its key.
func TestReshapingKeepsTheInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desc := streamDesc{NextShard: 1, Shards: []shardDesc{{Hash: hashRange{Last: maxHash}, Start: positionAt(1)}}}
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			r := &reshaping{desc: &desc, at: positionAt(2)}
			for _, d := range r.openShards() {
				r.at = max(r.at, d.Start+1)
			}
			open := len(r.openShards())
			n := rapid.IntRange((open+1)/2, 2*open).Draw(t, "shards")
			r.scaleTo(n)
			ranges := r.openShards()
			if len(ranges) != n {
				t.Fatalf("%d open shards, want %d", len(ranges), n)
			}
			for i, want := range evenRanges(n) {
				if ranges[i].Hash != want {
					t.Fatalf("range %d of %d is %v, want %v", i, n, ranges[i].Hash, want)
				}
			}
		}
		for _, d := range desc.Shards {
			if d.End != 0 && d.End < d.Start {
				t.Fatalf("shard %d ends before it starts", d.Index)
			}
			for _, p := range d.Parents {
				if parent := desc.Shards[p]; parent.End == 0 || parent.End >= d.Start {
					t.Fatalf("shard %d starts at %d, its parent %d ends at %d", d.Index, d.Start, p, parent.End)
				}
			}
		}
	})
}

func TestUpdateShardCount(t *testing.T) {
	r := newRig(t, Options{})
	name := "s"
	r.create(name, 2)
	f := func(n int32, want string) {
		t.Helper()
		out := ok(r.UpdateShardCount(r.ctx, &kinesis.UpdateShardCountInput{StreamName: &name, TargetShardCount: &n, ScalingType: types.ScalingTypeUniformScaling}))(t)
		same(t, "target", *out.TargetShardCount, n)
		open := ok(r.ListShards(r.ctx, &kinesis.ListShardsInput{StreamName: &name, ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}}))(t).Shards
		same(t, "open shards", describe(open), want)
	}
	f(4, "2<0[0-63] 3<0[64-127] 4<1[128-191] 5<1[192-255]")
	f(2, "6<2<3[0-127] 7<4<5[128-255]")
	f(3, "8<6[0-85] 11<7[170-255] 12<9<10[85-170]")
}
