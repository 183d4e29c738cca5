package fn

// Unbuilt is a function of Flink that weir does not have, and why or what to write instead.
type Unbuilt struct{ Name, Why string }

// UnbuiltFuncs are the functions of Flink that weir does not have, by name.
var UnbuiltFuncs = []Unbuilt{
	{"OBJECT_OF", "makes objects of Java classes; write ROW(...), or CAST it to a ROW with names"},
	{"OBJECT_UPDATE", "changes objects of Java classes; write ROW(...) of the fields"},
	{"PARSE_JSON", "there is no type VARIANT; JSON_VALUE, JSON_QUERY and JSON read JSON texts"},
	{"STREAMRECORD_TIMESTAMP", "a record's time is a metadata column: the connector's 'timestamp'"},
	{"TRY_PARSE_JSON", "there is no type VARIANT; JSON_VALUE, JSON_QUERY and IS JSON take texts that may be no JSON"},
}

// WhyUnbuilt is why weir does not have a function of Flink, or "".
func WhyUnbuilt(name string) string {
	for _, u := range UnbuiltFuncs {
		if u.Name == name {
			return u.Why
		}
	}
	return ""
}
