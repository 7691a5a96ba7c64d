// The program of the image that is pushed and pulled.
package main

import "fmt"

func main() { fmt.Println("hello from the registry") }
