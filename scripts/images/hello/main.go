// A static program for an image that holds nothing else: `hello ARG...` prints its arguments, `hello cat` copies
// standard input to standard output, `hello exit N` ends with that code.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

func main() {
	args := os.Args[1:]
	switch {
	case len(args) == 1 && args[0] == "cat":
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case len(args) == 2 && args[0] == "exit":
		code, err := strconv.Atoi(args[1])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		os.Exit(code)
	default:
		fmt.Println(strings.Join(args, " "))
	}
}
