package sim
import ("testing";"fmt";"os";"strconv")
func TestSeed(t *testing.T){ s,_:=strconv.ParseUint(os.Getenv("SEED"),10,64); r:=Run(NewPlan(s),Options{Trace:true}); os.WriteFile("/tmp/tl.txt",[]byte(r.Timeline),0o644); for _,v:=range r.Violations{fmt.Println(v)}; fmt.Println(r.Plan.Loop); for _,f:=range r.Plan.Faults{fmt.Println(f)}}
func BenchmarkRun(b *testing.B){ var s uint64; for b.Loop(){ Run(NewPlan(s),Options{}); s++ } }
