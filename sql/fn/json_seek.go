package fn

// seekJSON follows a plain path through a text and makes only the value it leads to, nil for none.
// All of the text is checked, as parseJSON does.
func seekJSON(s string, steps []pathStep) (*jsonValue, error) {
	p := jsonParser{s: s}
	v, err := p.seek(steps)
	return p.finish(v, err)
}

func (p *jsonParser) seek(steps []pathStep) (*jsonValue, error) {
	p.space()
	switch {
	case len(steps) == 0:
		return p.value()
	case p.i >= len(p.s):
		return nil, errJSON
	case p.s[p.i] != '{' && p.s[p.i] != '[':
		_, err := p.value()
		return nil, err
	}
	if p.depth++; p.depth > jsonMaxDepth {
		return nil, errJSON
	}
	v, err := p.seekNested(steps)
	p.depth--
	return v, err
}

// seekNested goes through an object or an array; of equal keys the last counts.
func (p *jsonParser) seekNested(steps []pathStep) (found *jsonValue, err error) {
	object, end := p.s[p.i] == '{', byte(']')
	if object {
		end = '}'
	}
	st := &steps[0]
	wanted := object && st.kind == stepField || !object && st.kind == stepIndex
	p.i++
	if p.space(); p.i < len(p.s) && p.s[p.i] == end {
		p.i++
		return nil, nil
	}
	for n := 0; ; n++ {
		hit := wanted && !object && n == st.indexes[0]
		if object {
			key, err := p.key()
			if err != nil {
				return nil, err
			}
			hit = wanted && key == st.names[0]
		}
		if hit {
			found, err = p.seek(steps[1:])
		} else {
			err = p.skip()
		}
		if err != nil {
			return nil, err
		}
		if p.space(); p.i >= len(p.s) {
			return nil, errJSON
		}
		c := p.s[p.i]
		p.i++
		if c == end {
			return found, nil
		}
		if c != ',' {
			return nil, errJSON
		}
	}
}

// noStep leads nowhere, so that seeking it only passes over a value.
var noStep = []pathStep{{kind: stepSlice}}

func (p *jsonParser) skip() error {
	p.space()
	if p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '"':
			_, err := p.str()
			return err
		case c == '-' || isDigitByte(c):
			_, _, err := p.numText()
			return err
		}
	}
	_, err := p.seek(noStep)
	return err
}
