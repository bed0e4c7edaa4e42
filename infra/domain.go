package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/failover"
)

func host(opt Options, region string) string { return failover.Host(opt.Domain, region) }

// customDomain lets the region's API answer under its own host name and under the loop's, which every region
// shares. A regional API may have the same name in many regions.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-custom-domain-names.html
func (r region) customDomain(api awsapigatewayv2.HttpApi, stage awsapigatewayv2.CfnStage) {
	own := host(r.opt, r.name)
	certificate := awscertificatemanager.NewCfnCertificate(r.stack, jsii.String("Certificate"), &awscertificatemanager.CfnCertificateProps{
		DomainName:              jsii.String(own),
		SubjectAlternativeNames: jsii.Strings(r.opt.Domain),
		ValidationMethod:        jsii.String("DNS"),
		DomainValidationOptions: &[]interface{}{
			&awscertificatemanager.CfnCertificate_DomainValidationOptionProperty{
				DomainName: jsii.String(own), HostedZoneId: jsii.String(r.opt.HostedZone),
			},
			&awscertificatemanager.CfnCertificate_DomainValidationOptionProperty{
				DomainName: jsii.String(r.opt.Domain), HostedZoneId: jsii.String(r.opt.HostedZone),
			},
		},
	})
	ownDomain := r.apiDomain("Own", own, certificate.Ref(), api, stage)
	r.apiDomain("Shared", r.opt.Domain, certificate.Ref(), api, stage)

	awsroute53.NewCfnRecordSet(r.stack, jsii.String("OwnRecord"), &awsroute53.CfnRecordSetProps{
		HostedZoneId: jsii.String(r.opt.HostedZone),
		Name:         jsii.String(own),
		Type:         jsii.String("A"),
		AliasTarget: &awsroute53.CfnRecordSet_AliasTargetProperty{
			DnsName:      ownDomain.AttrRegionalDomainName(),
			HostedZoneId: ownDomain.AttrRegionalHostedZoneId(),
		},
	})
}

func (r region) apiDomain(id, name string, certificate *string, api awsapigatewayv2.HttpApi, stage awsapigatewayv2.CfnStage) awsapigatewayv2.CfnDomainName {
	domain := awsapigatewayv2.NewCfnDomainName(r.stack, jsii.String(id+"Domain"), &awsapigatewayv2.CfnDomainNameProps{
		DomainName: jsii.String(name),
		DomainNameConfigurations: &[]interface{}{
			&awsapigatewayv2.CfnDomainName_DomainNameConfigurationProperty{
				CertificateArn: certificate,
				EndpointType:   jsii.String("REGIONAL"),
				SecurityPolicy: jsii.String("TLS_1_2"),
			},
		},
	})
	mapping := awsapigatewayv2.NewCfnApiMapping(r.stack, jsii.String(id+"Mapping"), &awsapigatewayv2.CfnApiMappingProps{
		ApiId:      api.ApiId(),
		DomainName: domain.Ref(),
		Stage:      stage.Ref(),
	})
	mapping.Node().AddDependency(stage)
	return domain
}
