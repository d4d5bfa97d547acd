package background

import "testing"

func FuzzParseInfo(f *testing.F) {
	f.Add([]byte(`{"id":"abcdefgh","name":"x","argv":["x"],"state":"running","pid":7,"exitCode":0,"exitedAt":5}`))
	f.Add([]byte(`{"id":"abcdefgh","state":"exited","argv":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := parseInfo(b, "abcdefgh")
		if err == nil && (i.State == stateRunning || i.Argv == nil || i.ID != "abcdefgh") {
			t.Fatalf("%+v", i)
		}
	})
}
