package ingest

// mappedJSON takes one JSON document and makes of it what the input's mapping says.
func mappedJSON(d delivery) ([]parsed, bool, error) {
	body, err := jsonBody(d)
	if err != nil {
		return nil, false, err
	}
	attributes, data, err := d.mapper.Map(d.name, body)
	if err != nil {
		return nil, false, err
	}
	if data == nil {
		data = body
	} else if data, err = canonical(data, 1); err != nil { // as the loop writes it, whatever wrote it before
		return nil, false, err
	}
	n := notice{
		id: attributes["id"], source: attributes["source"], typ: attributes["type"],
		subject: attributes["subject"], time: attributes["time"], data: data,
	}
	if d.input.Source != "" {
		n.source = d.input.Source
	}
	return []parsed{n.parsed()}, false, nil
}
