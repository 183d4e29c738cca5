package planner

import (
	"time"

	"weir/sql"
	"weir/sql/ast"
)

// windowEmit is when the windows of an aggregate give results beside their end, from table.exec.emit.*; nil
// where they only give them then. As in Flink, rows behind a window's end are dropped unless late-fire is on,
// and lateness alone turns nothing on. What the settings cannot mean together is refused.
func (b *binder) windowEmit(w *groupWindow, q ast.Node) (*WindowEmit, error) {
	s := b.p.Settings.Emit
	if b.p.Settings.Batch || !s.Early && !s.Late {
		return nil, nil
	}
	if w.call == nil {
		return nil, sql.Errorf(q, "early-fire and late-fire are for TUMBLE and HOP in GROUP BY, not for window table functions").
			WithHint("write GROUP BY TUMBLE(time, size), or SET 'table.exec.emit.early-fire.enabled' and 'table.exec.emit.late-fire.enabled' to 'false'")
	}
	if w.Kind == Session {
		return nil, sql.Errorf(w.call, "SESSION has no early-fire and no late-fire").
			WithHint("SET 'table.exec.emit.early-fire.enabled' and 'table.exec.emit.late-fire.enabled' to 'false'")
	}
	e := &WindowEmit{Early: -1, Late: -1}
	if s.Early {
		if s.EarlyDelay < 0 {
			return nil, emitError(w, "early-fire is on without a delay", "SET 'table.exec.emit.early-fire.delay' = '1 s', or '0 s' for a result after each row")
		}
		e.Early = s.EarlyDelay.Milliseconds()
	}
	if s.Late {
		if err := b.lateFire(w, e); err != nil {
			return nil, err
		}
	}
	if e.Early < 0 && e.Late < 0 {
		return nil, nil // late-fire alone, and nothing of the processing clock is late
	}
	return e, nil
}

func (b *binder) lateFire(w *groupWindow, e *WindowEmit) error {
	s := b.p.Settings.Emit
	if s.LateDelay < 0 {
		return emitError(w, "late-fire is on without a delay", "SET 'table.exec.emit.late-fire.delay' = '1 s', or '0 s' for a result after each row")
	}
	if w.ProcTime {
		return nil
	}
	lateness := s.Lateness
	if lateness < 0 {
		lateness = b.p.Settings.StateTTL
	}
	if lateness <= 0 {
		return emitError(w, "late-fire is on, but windows end with the watermark", "SET 'table.exec.emit.allow-lateness' = '1 min', how long a window takes rows behind its end")
	}
	if lateness < s.LateDelay {
		return emitError(w, "windows take late rows for "+spanText(lateness)+" and give late results after "+spanText(s.LateDelay),
			"make 'table.exec.emit.allow-lateness' at least 'table.exec.emit.late-fire.delay'")
	}
	e.Late, e.Lateness = s.LateDelay.Milliseconds(), lateness.Milliseconds()
	return nil
}

func spanText(d time.Duration) string { return millisText(d.Milliseconds()) }

func emitError(w *groupWindow, msg, hint string) error {
	return sql.Errorf(w.call, "%s", msg).WithHint("%s", hint)
}
