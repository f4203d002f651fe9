package examples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The pages that explain an example show lines of it. Each must still be there.
func TestThePagesShowWhatTheExamplesSay(t *testing.T) {
	block := regexp.MustCompile("(?s)```(go|js)\n(.*?)```")
	for page, example := range map[string]string{
		"web-app.md": "webapp", "single-page-app.md": "spa", "command-line.md": "cli", "service.md": "service",
	} {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "docs", page))
			if err != nil {
				t.Fatal(err)
			}
			lines := linesOf(t, example)
			blocks := block.FindAllStringSubmatch(string(text), -1)
			if len(blocks) == 0 {
				t.Error("the page shows nothing")
			}
			for _, b := range blocks {
				for line := range strings.Lines(b[2]) {
					line = strings.TrimSpace(line)
					if line != "" && !lines[line] && !strings.Contains(line, "id.example.com") {
						t.Errorf("no longer in examples/%s: %s", example, line)
					}
				}
			}
		})
	}
}

// linesOf are the lines of an example's files, without their indentation.
func linesOf(t *testing.T, example string) map[string]bool {
	t.Helper()
	lines := map[string]bool{}
	for _, pattern := range []string{"*.go", "page/*.js"} {
		files, err := filepath.Glob(filepath.Join(example, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			source, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(source)) {
				lines[strings.TrimSpace(line)] = true
			}
		}
	}
	return lines
}
