package main

import "github.com/spf13/cobra"

func demoCommand() *cobra.Command { return &cobra.Command{Use: "demo"} }
func sqlCommand() *cobra.Command  { return &cobra.Command{Use: "sql"} }
func testCommand() *cobra.Command { return &cobra.Command{Use: "test"} }
