package sim
import ("testing";"fmt";"os";"strconv";"time")
func TestSeed(t *testing.T){ s,_:=strconv.ParseUint(os.Getenv("SEED"),10,64); r:=Run(NewPlan(s),Options{Trace:true}); os.WriteFile("/tmp/tl.txt",[]byte(r.Timeline),0o644); for _,v:=range r.Violations{fmt.Println(v)}; fmt.Println(r.Plan.Loop); for _,f:=range r.Plan.Faults{fmt.Println(f)}}
func TestSlow(t *testing.T){ for s:=uint64(200);s<300;s++{ b:=time.Now(); r:=Run(NewPlan(s),Options{}); if d:=time.Since(b);d>150*time.Millisecond||r.Steps>12000{fmt.Println(s,d,r.Steps,r.Plan.Faults)}}}
func BenchmarkRun(b *testing.B){ var s uint64; for b.Loop(){ Run(NewPlan(s),Options{}); s++ } }
