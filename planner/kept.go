package planner

// Kept gives the table, the view and the model of a path that are not temporary, also where temporary ones hide them.
func (c *Catalog) Kept(path [3]string) (*Table, *View, *Model) {
	m := c.models[path]
	if db := c.database(path); db != nil {
		if o := db.objects[path[2]]; o != nil {
			return o.table, o.view, m
		}
	}
	return nil, nil, m
}
