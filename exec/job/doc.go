// Package job keeps long-running jobs alive: it starts a job, starts it again after a failure as its
// restart strategy says, takes savepoints, stops it, and remembers in a data folder what must run.
//
// Contract: a Job supervises one job and is safe for concurrent use; what it runs is a Run, made anew
// for each attempt by the function it was given. A Manager owns a data folder: one process at a time,
// by a lock. States have Flink's names. Clock and randomness are injected, so restarts are tested in
// virtual time. Histories, logs and the list of jobs are bounded. A job's record holds secrets of its
// tables, so its file is for its owner only; nothing else that leaves this package does: texts go
// through the hiding function of the job first.
package job
