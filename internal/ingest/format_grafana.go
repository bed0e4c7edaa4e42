package ingest

// grafana takes the webhook of Grafana's own alerting, which speaks Alertmanager's language with a version of its
// own and more in every alert: values, dashboardURL, panelURL.
// https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
func grafana(d delivery) ([]parsed, bool, error) {
	return alerts(d, "1", "com.grafana.alert.")
}
