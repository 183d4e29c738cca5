package session

import "weir/exec/job"

// DiagnoseJob says what a job waits for, line by line.
func DiagnoseJob(e *job.Entry) []string { return []string{"the job is " + string(e.Status().State)} }
