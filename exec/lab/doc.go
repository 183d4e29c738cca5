// Package lab makes what a job depends on fail, as real services do: sources that are throttled, lose their place,
// break off and reshard, and an object store that fails and loses its answers. Tests run jobs over them; what comes out must be
// what comes out without faults.
//
// Contract: all faults are chosen by a seed, so that a run can be had again. What is here stands for the outside
// world, so it outlives the crashes of the job. Faults is used by one goroutine, a Cloud by any number.
package lab
