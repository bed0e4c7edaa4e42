package ingest

import "example.com/unbroken/internal/loop"

// mappedJSON takes one JSON document and makes of it what the input's mapping says.
func mappedJSON(d delivery) ([]parsed, bool, error) {
	body, err := jsonBody(d)
	if err != nil {
		return nil, false, err
	}
	return []parsed{mapped(d.name, d.input, d.mapper, body)}, false, nil
}

// mapped makes an event of a canonical document.
func mapped(name string, in loop.Input, mapper Mapper, body []byte) parsed {
	attributes, data, err := mapper.Map(name, body)
	if err != nil {
		return parsed{raw: body, err: err}
	}
	if data == nil {
		data = body
	} else if data, err = canonical(data, 1); err != nil { // as the loop writes it, whatever wrote it before
		return parsed{raw: body, err: err}
	}
	n := notice{
		id: attributes["id"], source: attributes["source"], typ: attributes["type"],
		subject: attributes["subject"], time: attributes["time"], data: data,
	}
	if in.Source != "" {
		n.source = in.Source
	}
	return n.parsed()
}
