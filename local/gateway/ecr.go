package gateway

var ecrHandlers = map[string]handler{
	"BatchCheckLayerAvailability": (*Gateway).ecrImages,
	"BatchDeleteImage":            (*Gateway).ecrImages,
	"BatchGetImage":               (*Gateway).ecrImages,
	"DeleteRepository":            (*Gateway).deleteRepository,
	"DescribeImages":              (*Gateway).ecrImages,
	"GetAuthorizationToken":       (*Gateway).getAuthorizationToken,
	"ListImages":                  (*Gateway).ecrImages,
	"PutImage":                    (*Gateway).ecrImages,
}
