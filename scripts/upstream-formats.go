// Prints JSON schemas of KubeletConfiguration and KubeProxyConfiguration, as the modules have them that it is built
// with. What a field means is the first sentence above it in upstream's source.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strings"

	proxy "k8s.io/kube-proxy/config/v1alpha1"
	kubelet "k8s.io/kubelet/config/v1beta1"
)

type schema = map[string]any

func definition(name string) schema {
	return schema{"$ref": "#/definitions/" + name}
}

// What a Go type looks like in YAML where its own UnmarshalJSON decides that.
var known = map[string]func() schema{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":      func() schema { return definition("goDuration") },
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":          func() schema { return definition("upstreamText") },
	"k8s.io/apimachinery/pkg/api/resource.Quantity":      func() schema { return definition("quantity") },
	"k8s.io/apimachinery/pkg/api/resource.QuantityValue": func() schema { return definition("quantity") },
	// Nanoseconds, too.
	"k8s.io/component-base/logs/api/v1.TimeOrMetaDuration": func() schema { return definition("goTime") },
}

func main() {
	out := schema{
		"kubeletConfiguration":   whole(reflect.TypeFor[kubelet.KubeletConfiguration](), "kubelet.config.k8s.io/v1beta1"),
		"kubeProxyConfiguration": whole(reflect.TypeFor[proxy.KubeProxyConfiguration](), "kubeproxy.config.k8s.io/v1alpha1"),
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(out); err != nil {
		panic(err)
	}
}

// A configuration names itself.
func whole(t reflect.Type, apiVersion string) schema {
	found := schemaOf(t)
	found["type"] = "object"
	fields := found["properties"].(schema)
	fields["apiVersion"] = schema{"const": apiVersion, "description": "Version of the format."}
	fields["kind"] = schema{"const": t.Name(), "description": "Name of the format."}
	return found
}

func schemaOf(t reflect.Type) schema {
	if t.Kind() == reflect.Pointer {
		return schemaOf(t.Elem())
	}
	name := t.PkgPath() + "." + t.Name()
	if own, ok := known[name]; ok {
		return own()
	}
	if decodes(t) {
		panic(name + " decodes itself: say in `known` what it looks like")
	}
	switch t.Kind() {
	case reflect.Struct:
		fields := schema{}
		addFields(fields, t)
		return schema{"type": []string{"object", "null"}, "additionalProperties": false, "properties": fields}
	case reflect.Map:
		return schema{"type": []string{"object", "null"}, "additionalProperties": schemaOf(t.Elem())}
	case reflect.Slice:
		items := schemaOf(t.Elem())
		// A null takes out a setting, not an entry.
		if types, ok := items["type"].([]string); ok {
			items["type"] = types[0]
		} else {
			items = definition("upstreamItem")
		}
		return schema{"type": []string{"array", "null"}, "items": items}
	case reflect.String:
		return definition("upstreamText")
	case reflect.Bool:
		return schema{"type": []string{"boolean", "null"}}
	case reflect.Float32, reflect.Float64:
		return schema{"type": []string{"number", "null"}}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return schema{"type": []string{"integer", "null"}}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return schema{"type": []string{"integer", "null"}, "minimum": 0}
	default:
		panic("no schema for " + name)
	}
}

func decodes(t reflect.Type) bool {
	_, found := reflect.PointerTo(t).MethodByName("UnmarshalJSON")
	return found
}

func addFields(fields schema, t reflect.Type) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case name == "" && field.Anonymous:
			addFields(fields, field.Type)
		default:
			own := schemaOf(field.Type)
			own["description"] = meaningOf(t, field.Name, name)
			fields[name] = own
		}
	}
}

var packages = map[string]map[string]*ast.Package{}

// The first sentence that upstream's source has above a field.
func meaningOf(t reflect.Type, field string, name string) string {
	text := name
	for _, pkg := range parsed(t.PkgPath()) {
		ast.Inspect(pkg, func(node ast.Node) bool {
			spec, ok := node.(*ast.TypeSpec)
			if !ok || spec.Name.Name != t.Name() {
				return true
			}
			for _, each := range spec.Type.(*ast.StructType).Fields.List {
				for _, ident := range each.Names {
					if ident.Name == field && each.Doc.Text() != "" {
						text = firstSentence(each.Doc.Text())
					}
				}
			}
			return false
		})
	}
	return text
}

// `+optional`, for upstream's generators.
var marker = regexp.MustCompile(`(?m)^\+.*$`)

var sentence = regexp.MustCompile(`^(.*?[^.]\.)( [A-Z\[(]|$)`)

func firstSentence(doc string) string {
	paragraph, _, _ := strings.Cut(marker.ReplaceAllString(doc, ""), "\n\n")
	text := strings.Join(strings.Fields(paragraph), " ")
	if found := sentence.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return text
}

func parsed(path string) map[string]*ast.Package {
	if found, ok := packages[path]; ok {
		return found
	}
	folder, err := exec.Command("go", "list", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		panic(fmt.Sprint(path, ": ", err))
	}
	found, err := parser.ParseDir(token.NewFileSet(), strings.TrimSpace(string(folder)), nil, parser.ParseComments)
	if err != nil {
		panic(err)
	}
	packages[path] = found
	return found
}
