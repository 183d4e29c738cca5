package exec

import (
	"fmt"
	"slices"
	"sort"

	"weir/exec/checkpoint"
	"weir/exec/state"
	"weir/sql/types"
)

// A checkpoint is by task, and which operators share a task depends on the parallelism: with one instance all of a plan may be
// one chain. So a stage takes its operators' state from whatever stages had them.

// stageWas is the stage that had the operator when the checkpoint was made.
func stageWas(from *checkpoint.Checkpoint, id string) string {
	for _, o := range from.Operators {
		if o.ID == id {
			return o.Stage
		}
	}
	if from.Operators == nil {
		return id
	}
	return ""
}

// partsOf is what a checkpoint has of a stage, in the order of the instances it then had.
func partsOf(stage string, from *checkpoint.Checkpoint) (parts []*checkpoint.Task) {
	for i := 0; stage != ""; i++ {
		part := from.Tasks[fmt.Sprintf("%s/%d", stage, i)]
		if part == nil {
			break
		}
		parts = append(parts, part)
	}
	return parts
}

// headParts is what a checkpoint has of the tasks in which the stage's head was.
func (a *assembly) headParts(s *stage, from *checkpoint.Checkpoint) []*checkpoint.Task {
	id := s.head.Info().ID
	if from == nil || a.lost[id] {
		return nil
	}
	if id == "" { // of a plan without names
		return partsOf(s.name, from)
	}
	return partsOf(stageWas(from, id), from)
}

// restore fills a task's store, and sets its watermark. At another parallelism a task takes the key groups that are now
// its own, and the least watermark.
func (a *assembly) restore(s *stage, i int, from *checkpoint.Checkpoint) error {
	heads := a.headParts(s, from)
	if len(heads) == 0 {
		return nil
	}
	t := s.tasks[i]
	if len(heads) == s.parallelism {
		heads = heads[i : i+1]
	}
	t.wm, t.restoredEnd = types.MaxTime, true
	for _, part := range heads {
		t.wm = min(t.wm, watermarkOf(part, s.head.Info().ID))
	}
	stages, leftOut := a.stagesWere(s, from)
	for _, old := range stages {
		for _, part := range partsOf(old, from) {
			t.restoredEnd = t.restoredEnd && part.Ended
		}
	}
	if len(stages) == 1 {
		if parts := partsOf(stages[0], from); len(parts) == s.parallelism {
			t.restoredEnd = parts[i].Ended
			return state.Restore(t.store, pictures(parts[i:i+1]), state.AllGroups, leftOut)
		}
	}
	var all []state.Snapshot
	for _, old := range stages {
		all = append(all, pictures(partsOf(old, from))...)
	}
	return state.Restore(t.store, all, state.Owned(i, s.parallelism), leftOut)
}

// watermarkOf is the last watermark that an operator of a task had.
func watermarkOf(part *checkpoint.Task, id string) types.Time {
	if wm, ok := part.Held[id]; ok {
		return wm
	}
	return part.Watermark
}

func pictures(parts []*checkpoint.Task) (out []state.Snapshot) {
	for _, part := range parts {
		if part.State != nil {
			out = append(out, part.State)
		}
	}
	return out
}

// stagesWere lists the stages that had the operators which are now in stage s, and what else these had: it
// is left out, as is what no longer fits.
func (a *assembly) stagesWere(s *stage, from *checkpoint.Checkpoint) (stages []string, leftOut map[string]bool) {
	if from.Operators == nil {
		return []string{s.name}, nil
	}
	mine := map[string]bool{}
	for n, of := range a.graph.of {
		id := n.Info().ID
		if of != s || isExchange(n) || a.lost[id] {
			continue
		}
		mine[id] = true
		if old := stageWas(from, id); old != "" && !slices.Contains(stages, old) {
			stages = append(stages, old)
		}
	}
	sort.Strings(stages)
	leftOut = map[string]bool{}
	for _, o := range from.Operators {
		if len(o.Tables) > 0 && !mine[o.ID] && slices.Contains(stages, o.Stage) {
			leftOut[o.ID] = true
		}
	}
	return stages, leftOut
}

// recommit publishes again what the checkpoint's sinks had staged: the crash may have come before they were told.
func (a *assembly) recommit(from *checkpoint.Checkpoint) error {
	if from == nil {
		return nil
	}
	names := make([]string, 0, len(from.Tasks))
	for name := range from.Tasks {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, s := range a.graph.stages {
		for k, l := range s.tasks[0].sinks {
			if a.lost[l.id] {
				continue
			}
			var tokens [][]byte
			for _, name := range names {
				for _, token := range from.Tasks[name].Tokens {
					if token.Sink == l.id && token.Bytes != nil {
						tokens = append(tokens, token.Bytes)
					}
				}
			}
			if err := a.recommitSink(s, k, tokens); err != nil {
				return s.tasks[0].blame(err)
			}
		}
	}
	return nil
}
