package sim

// rulesFile is the loop.yaml of every simulated world. In this order: rules without state, an effect class each; one that
// fails on odd signals; windows of every kind, with do and undo; what is throttled, counted, approved and sent without
// claims; what is decided for many keys; what hears of parked effects; two that feed each other. The oracle says in its own words what they make of a
// signal.
const rulesFile = `
prefix: sim
regions: {loop: [%LOOP%]%WITNESS%}
inputs:
  both: {kind: http}
  loose: {kind: http, policy: any}
  local: {kind: http, durability: regional}
  inbox: {kind: queue}
rules:
  - id: hook
    match: {type: [com.example.alert]}
    when: signal.data.value > 0.0
    key: signal.subject
    do: [%EXTRA%{step: page, action: page}]
  - id: brief
    match: {type: [com.example.alert]}
    when: signal.data.value > 1.0
    key: signal.subject
    do: [{step: call, action: call}]
  - id: note
    match: {type: [com.example.alert]}
    when: signal.data.value > 0.0
    key: signal.subject
    do: [{step: note, action: note}]
  - id: mark
    match: {type: [com.example.alert]}
    when: signal.data.value > 1.0
    key: signal.subject
    do: [{step: mark, action: mark}, {step: dial, action: dial}]
  - id: wake
    match: {type: [com.example.alert]}
    when: signal.data.value > 2.0
    key: signal.subject
    do: [{step: wake, action: wake}]
  - id: fragile
    match: {type: [com.example.odd]}
    when: signal.data.size > 0.0
    key: signal.subject
    do: [{step: note, action: size}]
  - id: burst
    match: {type: [com.example.metric]}
    when: signal.data.value > 0.0
    key: signal.subject
    window: {count: 3, within: 1m, lateness: 2m}
    do: [%EXTRA%{step: shed, action: shed, with: {level: high}}, {step: tell, action: page}]
    undo: [{step: shed, action: shed, with: {level: none}}]
  - id: level
    match: {type: [com.example.level]}
    when: signal.data.value > 8.0
    until: signal.data.value < 2.0
    window: {count: 1, within: 5m}
    key: signal.subject
    do: [{step: flag, action: flag}, {step: gate, action: gate}, {step: knob, action: knob}]
    undo: [{step: flag, action: flag}, {step: gate, action: gate}, {step: knob, action: knob}]
  - id: slow
    match: {type: [com.example.gauge]}
    until: signal.data.value < 2.0
    key: signal.subject
    window: {avg: signal.data.value, over: 2m, above: 5, lateness: 2m}
    do: [{step: seen, action: seen}]
    undo: [{step: seen, action: seen}]
  - id: tail
    match: {type: [com.example.gauge]}
    key: signal.subject
    window: {p95: signal.data.value, over: 2m, above: 8, lateness: 2m}
    do: [{step: seen, action: seen}]
    undo: [{step: seen, action: seen}]
  - id: held
    match: {type: [com.example.gauge]}
    when: signal.data.value > 3.0
    key: signal.subject
    window: {for: 1m, lateness: 2m}
    do: [{step: seen, action: seen}]
    undo: [{step: seen, action: seen}]
  - id: pair
    key: signal.subject
    window:
      all:
        - {name: deployed, match: {type: [com.example.deploy]}}
        - {name: failing, match: {type: [com.example.gauge]}, when: signal.data.value > 5.0}
      within: 2m
      lateness: 2m
    do: [{step: seen, action: seen}]
    undo: [{step: seen, action: seen}]
  - id: silent
    match: {type: [com.example.beat]}
    key: signal.subject
    window: {absent: 2m, lateness: 2m}
    do: [{step: seen, action: seen}]
    undo: [{step: seen, action: seen}]
  - id: calm
    match: {type: [com.example.task]}
    when: signal.data.value > 0.0
    key: signal.subject
    throttle: 1m
    do: [{step: task, action: page}]
  - id: capped
    match: {type: [com.example.task]}
    when: signal.data.value > 4.0
    key: signal.subject
    guard: {max_per_hour: 3}
    do: [{step: task, action: page}]
  - id: tuned
    match: {type: [com.example.task]}
    when: signal.data.value > 5.0
    key: signal.subject
    guard: {max_regressions: 1, worse: signal.data.value < 3.0, within: 3m}
    do: [{step: task, action: page}]
  - id: ask
    match: {type: [com.example.task]}
    when: signal.data.value == 3.0
    key: signal.subject
    do: [{step: task, action: page, approval: required}]
  - id: urgent
    match: {type: [com.example.task]}
    when: signal.data.value > 6.0
    key: signal.subject
    do: [{step: task, action: siren}]
  - id: crowd
    match: {type: [com.example.task]}
    when: signal.data.value > 3.0
    key: signal.subject
    group: {by: "'all'", wait: 30s}
    do: [{step: crowd, action: crowd}]
  - id: lead
    match: {type: [unbroken.effect.parked], source: ["unbroken:act"]}
    when: signal.data.rule != 'lead'
    key: signal.data.effect
    do: [{step: lead, action: lead}]
  - id: ping
    match: {type: [com.example.ping, unbroken.effect.parked]}
    when: signal.type == 'com.example.ping' || signal.data.rule == 'pong'
    key: signal.subject
    do: [{step: ball, action: page, approval: required}]
  - id: pong
    match: {type: [unbroken.effect.parked], source: ["unbroken:act"]}
    when: signal.data.rule == 'ping'
    key: signal.subject
    do: [{step: ball, action: page, approval: required}]
actions:
  page: {to: webhook, url: "https://page.example/%PATH%", body: {key: "{{ key }}", id: "{{ signal.id }}"}, effect: keyed, output: "page/{{ rule }}/{{ key }}"}
  call: {to: webhook, url: "https://call.example/", effect: keyed, horizon: 3m, expire_after: 10m}
  siren: {to: webhook, url: "https://siren.example/", effect: keyed, horizon: 1h, on_claims_outage: send}
  mark: {to: dynamodb, table: marks, item: "mark/{{ key }}", content: {id: "{{ signal.id }}"}}
  gate: {to: dynamodb, table: marks, item: "gate/{{ key }}", content: {phase: "{{ phase }}"}}
  dial: {to: ssm, parameter: "/dial/{{ key }}", content: "{{ signal.id }}"}
  knob: {to: ssm, parameter: "/knob/{{ key }}", content: "{{ phase }}"}
  wake: {to: lambda, function: "arn:aws:lambda:us-east-2:123456789012:function:wake"}
  note: {to: output, output: "note/{{ key }}", value: {id: "{{ signal.id }}"}}
  more: {to: output, output: "more/{{ rule }}/{{ key }}"}
  size: {to: output, output: "size/{{ key }}"}
  shed: {to: webhook, url: "https://shed.example/{{ key }}", body: {level: "{{ with.level }}"}, effect: keyed, output: "shed/{{ key }}", value: {phase: "{{ phase }}"}}
  flag: {to: output, output: "flag/{{ key }}", value: {phase: "{{ phase }}"}}
  seen: {to: output, output: "seen/{{ rule }}/{{ key }}", value: {phase: "{{ phase }}"}}
  crowd: {to: webhook, url: "https://crowd.example/", body: {keys: "{{ signal.data.members.map(m, m.key) }}"}, effect: keyed}
  lead: {to: output, output: "lead/{{ key }}"}
`
