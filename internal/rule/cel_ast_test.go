package rule

import (
	"testing"

	"cel.dev/cel-go/cel"
	exprpb "google.golang.org/genproto/googleapis/api/expr/v1alpha1"
	"google.golang.org/protobuf/proto"
)

const ordinary = `signal.data.value > 80.0 && signal.data.host.startsWith("web-") && signal.data.region in ["a", "b"]`

// BenchmarkExpression is what docs/decisions/0006 goes by: an expression made runnable from its text, as it is, and
// from a checked AST, as a bundle could hold it.
func BenchmarkExpression(b *testing.B) {
	env, err := celEnv()
	if err != nil {
		b.Fatal(err)
	}
	checked, issues := check(env, ordinary)
	if issues.Err() != nil {
		b.Fatal(issues.Err())
	}
	message, err := cel.AstToCheckedExpr(checked)
	if err != nil {
		b.Fatal(err)
	}
	stored, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		b.Fatal(err)
	}
	program := func(b *testing.B, ast *cel.Ast) {
		b.Helper()
		if _, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize)); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("text", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ast, _ := check(env, ordinary)
			program(b, ast)
		}
		b.ReportMetric(float64(len(ordinary)), "bytes")
	})
	b.Run("ast", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			read := &exprpb.CheckedExpr{}
			if err := proto.Unmarshal(stored, read); err != nil {
				b.Fatal(err)
			}
			program(b, cel.CheckedExprToAst(read))
		}
		b.ReportMetric(float64(len(stored)), "bytes")
	})
}
