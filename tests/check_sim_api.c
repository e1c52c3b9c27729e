/* tests/check_sim_api.c - APIs of the simulated service: what a document becomes, what comes
 * out again, revisions and releases. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/buffer.h"
#include "tests/suite.h"
#include "tests/world.h"

#define SERVICE "/providers/Microsoft.ApiManagement/service/contoso-apim"
#define APIS    SERVICE "/workspaces/w1/apis"
#define API     APIS "/invoices"

static const char openapi[] =
    "openapi: 3.0.1\n"
    "info: {title: Invoices, version: '1.0', description: All of them}\n"
    "servers: [{url: https://invoices.contoso.example}]\n"
    "paths:\n"
    "  /invoices:\n"
    "    get:\n"
    "      operationId: listInvoices\n"
    "      summary: List invoices\n"
    "      parameters:\n"
    "        - {name: state, in: query, schema: {type: string, enum: [open, paid],"
    " default: open}}\n"
    "        - {name: year, in: query, required: true, schema: {type: integer}}\n"
    "        - {name: X-Trace, in: header, schema: {type: string}}\n"
    "      responses:\n"
    "        '200':\n"
    "          description: The invoices\n"
    "          headers: {X-Count: {schema: {type: integer}}}\n"
    "          content:\n"
    "            application/json:\n"
    "              schema: {$ref: '#/components/schemas/Invoice'}\n"
    "              example: {number: 1}\n"
    "    post:\n"
    "      requestBody:\n"
    "        content:\n"
    "          application/json:\n"
    "            schema: {$ref: '#/components/schemas/Invoice'}\n"
    "      responses: {'201': {description: Made}}\n"
    "  /invoices/{number}:\n"
    "    parameters: [{$ref: '#/components/parameters/number'}]\n"
    "    get:\n"
    "      operationId: getInvoice\n"
    "      responses: {'200': {description: One}}\n"
    "components:\n"
    "  parameters: {number: {name: number, in: path, required: true, schema: {type:"
    " integer}}}\n"
    "  schemas: {Invoice: {type: object, properties: {number: {type: integer}}}}\n";

static const char wsdl[] =
    "<definitions name='Calculator' xmlns='http://schemas.xmlsoap.org/wsdl/'"
    " xmlns:soap='http://schemas.xmlsoap.org/wsdl/soap/'>"
    "<portType name='P'><operation name='Add'/><operation name='Subtract'/></portType>"
    "<binding name='B' type='P'><soap:binding/><operation name='Add'>"
    "<soap:operation soapAction='urn:add'/></operation></binding>"
    "<service name='S'><port name='T' binding='B'><soap:address"
    " location='https://calc.contoso.example/soap'/></port></service></definitions>";

static void start_world(void)
{
    open_harness();
    open_world("{\"durations\":{\"api.create\":\"0s\",\"api.update\":\"0s\"},"
               "\"documents\":{\"https://docs.contoso.example/a.json\":"
               "\"{\\\"swagger\\\":\\\"2.0\\\",\\\"info\\\":{\\\"title\\\":\\\"Old\\\","
               "\\\"version\\\":\\\"1\\\"},\\\"host\\\":\\\"old.contoso.example\\\","
               "\\\"basePath\\\":\\\"/v1\\\",\\\"paths\\\":{\\\"/a\\\":{\\\"get\\\":{"
               "\\\"responses\\\":{\\\"200\\\":{\\\"description\\\":\\\"A\\\"}}}}}}\"}}",
               NULL, 1);
    ck_assert_int_eq(call_arm(CALL_PUT, SERVICE "/workspaces/w1",
                              "{\"properties\":{\"displayName\":\"W\"}}"),
                     201);
}

/* PUT of an API with a document; `more` are further properties, each with a comma behind. */
static int import(const char *path, const char *format, const char *value,
                  const char *more)
{
    struct buffer body = {0};
    int status;

    buffer_printf(&body, "{\"properties\":{%s\"format\":\"%s\",\"value\":", more, format);
    buffer_append_json_string(&body, value, strlen(value));
    buffer_append_string(&body, "}}");
    status = call_arm(CALL_PUT, path, body.data);
    buffer_deinit(&body);
    return status;
}

static void get(const char *path)
{
    ck_assert_int_eq(call_arm(CALL_GET, path, NULL), 200);
}

static int count(const char *path)
{
    get(path);
    return cJSON_GetArraySize(json_at(h.json, "value"));
}

/* The document behind an export link, owned by the caller. */
static char *export_as(const char *path, const char *format)
{
    char *url =
        memory_format("%s%s?" VERSION "&export=true&format=%s", h.group, path, format);
    char *link;

    ck_assert_int_eq(ask(CALL_GET, url, NULL), 200);
    free(url);
    link = memory_copy_string(said("value.link"));
    ck_assert_msg(strncmp(link, "http", 4) == 0, "'%s'", link);
    url = memory_copy_string(strchr(strstr(link, "://") + 3, '/'));
    free(link);
    ck_assert_int_eq(
        plane_ask(h.world, &h.answer, &h.json, url, (struct call){.method = CALL_GET}),
        200);
    free(url);
    return memory_copy_string(h.answer.body.data);
}

START_TEST(a_document_becomes_operations)
{
    ck_assert_int_eq(import(API, "openapi", openapi, "\"path\":\"invoices\","), 201);
    ck_assert_str_eq(said("properties.displayName"), "Invoices");
    ck_assert_str_eq(said("properties.serviceUrl"), "https://invoices.contoso.example");
    ck_assert_ptr_null(json_at(h.json, "properties.value"));
    ck_assert_int_eq(count(API "/operations"), 3);
    get(API "/operations/listinvoices");
    ck_assert_str_eq(said("properties.displayName"), "List invoices");
    ck_assert_str_eq(said("properties.urlTemplate"), "/invoices?year={year}");
    ck_assert_str_eq(said("properties.method"), "GET");
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "properties.responses")), 1);
    get(API "/operations/post-invoices");
    get(API "/operations/getinvoice");
    ck_assert_str_eq(
        json_string_at(
            cJSON_GetArrayItem(json_at(h.json, "properties.templateParameters"), 0),
            "type"),
        "integer");
    ck_assert_int_eq(count(API "/schemas"), 1);
}
END_TEST

START_TEST(what_is_exported_can_be_imported)
{
    char *first, *second, *yaml;

    ck_assert_int_eq(import(API, "openapi", openapi, "\"path\":\"invoices\","), 201);
    first = export_as(API, "openapi%2Bjson-link");
    yaml = export_as(API, "openapi-link");
    ck_assert_int_eq(import(APIS "/again", "openapi+json", first, "\"path\":\"again\","),
                     201);
    second = export_as(APIS "/again", "openapi%2Bjson-link");
    ck_assert_str_eq(first, second);
    free(second);
    ck_assert_int_eq(import(APIS "/yaml", "openapi", yaml, "\"path\":\"yaml\","), 201);
    second = export_as(APIS "/yaml", "openapi%2Bjson-link");
    ck_assert_str_eq(first, second);
    ck_assert_ptr_nonnull(strstr(first, "\"$ref\":\"#/components/schemas/Invoice\""));
    ck_assert_ptr_nonnull(strstr(first, "\"default\":\"open\""));
    free(first);
    free(second);
    free(yaml);
}
END_TEST

START_TEST(a_link_ends)
{
    char *url =
        memory_format("%s" API "?" VERSION "&export=true&format=openapi-link", h.group);
    char *link;

    ck_assert_int_eq(import(API, "openapi", openapi, "\"path\":\"invoices\","), 201);
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 200);
    link = memory_copy_string(strchr(strstr(said("value.link"), "://") + 3, '/'));
    pass_ms(301 * 1000);
    ck_assert_int_eq(ask(CALL_GET, link, NULL), 403);
    link[strlen(link) - 1] ^= 1;
    ck_assert_int_eq(ask(CALL_GET, link, NULL), 403);
    ck_assert_int_eq(ask(CALL_GET, "/_export", NULL), 403);
    free(link);
    free(url);
}
END_TEST

START_TEST(a_second_import_keeps_what_is_still_there)
{
    char *shorter = memory_copy_string(openapi);

    ck_assert_int_eq(import(API, "openapi", openapi, "\"path\":\"invoices\","), 201);
    ck_assert_int_eq(call_arm(CALL_PUT, API "/operations/listinvoices/policies/policy",
                              "{\"properties\":{\"value\":\"<policies />\"}}"),
                     201);
    memcpy(strstr(shorter, "    post:"), "    head:", 9);
    ck_assert_int_eq(import(API, "openapi", shorter, "\"path\":\"invoices\","), 200);
    ck_assert_int_eq(call_arm(CALL_GET, API "/operations/post-invoices", NULL), 404);
    get(API "/operations/head-invoices");
    get(API "/operations/listinvoices/policies/policy");
    free(shorter);
}
END_TEST

START_TEST(swagger_comes_from_a_link)
{
    ck_assert_int_eq(import(API, "swagger-link-json",
                            "https://docs.contoso.example/a.json", "\"path\":\"old\","),
                     201);
    ck_assert_str_eq(said("properties.serviceUrl"), "https://old.contoso.example/v1");
    get(API "/operations/get-a");
    ck_assert_int_eq(import(API, "openapi-link", "https://nowhere.contoso.example/",
                            "\"path\":\"old\","),
                     400);
    ck_assert_ptr_nonnull(strstr(h.answer.body.data, "cannot be reached"));
}
END_TEST

START_TEST(wsdl_becomes_soap_or_rest)
{
    char *text;

    ck_assert_int_eq(import(API, "wsdl", wsdl, "\"path\":\"calc\","), 201);
    ck_assert_str_eq(said("properties.type"), "soap");
    ck_assert_str_eq(said("properties.serviceUrl"), "https://calc.contoso.example/soap");
    get(API "/operations/add");
    ck_assert_str_eq(said("properties.urlTemplate"), "/?soapAction=urn:add");
    text = export_as(API, "wsdl-link");
    ck_assert_str_eq(text, wsdl);
    free(text);
    ck_assert_int_eq(
        import(APIS "/rest", "wsdl", wsdl, "\"path\":\"rest\",\"apiType\":\"http\","),
        201);
    get(APIS "/rest/operations/subtract");
    ck_assert_str_eq(said("properties.urlTemplate"), "/Subtract");
    ck_assert_int_eq(
        import(APIS "/none", "wsdl", wsdl,
               "\"path\":\"n\",\"wsdlSelector\":{\"wsdlServiceName\":\"X\"},"),
        400);
}
END_TEST

static const struct {
    const char *format, *text, *complaint;
} broken[] = {
    {"openapi", "openapi: 3.0.1\npaths: {}\n", "info: it is required"},
    {"openapi", "a: [1,\n", "line"},
    {"openapi", "a: 1\na: 2\n", "'a' comes twice"},
    {"openapi", "a: &x [*x]\n", "nested too deep"},
    {"openapi", "just text", "neither OpenAPI 3 nor Swagger 2"},
    {"openapi+json", "{\"openapi\":\n\n\"3.0.1\",,}", "line 3"},
    {"openapi+json", "{\"openapi\":\"4.0\",\"info\":{},\"paths\":{}}", "neither"},
    {"openapi+json", "{\"openapi\":\"3.0.1\",\"info\":{},\"paths\":{\"a\":{}}}",
     "a path begins with a slash"},
    {"openapi+json",
     "{\"openapi\":\"3.0.1\",\"info\":{},\"paths\":{\"/a\":{\"get\":{\"parameters\":"
     "[{\"$ref\":\"#/nowhere\"}]}}}}",
     "#/nowhere"},
    {"openapi+json",
     "{\"openapi\":\"3.0.1\",\"info\":{},\"paths\":{\"/a\":{\"get\":{\"parameters\":"
     "[{\"$ref\":\"#/x\"}]}}},\"x\":{\"$ref\":\"#/x\"}}",
     "round in a circle"},
    {"openapi+json",
     "{\"openapi\":\"3.0.1\",\"info\":{},\"paths\":{\"/a\":[{\"get\":1}]}}",
     "it is no object"},
    {"openapi+json", "{\"openapi\":\"3.0.1\",\"info\":{},\"paths\":{\"/a?b\":{}}}",
     "has no query"},
    {"openapi+json",
     "{\"openapi\":\"3.0.1\",\"info\":{},\"paths\":{\"/a\":{\"get\":{\"requestBody\":"
     "{\"content\":{\"x/y\":{\"schema\":{\"$ref\":\"#S\"}}}}}}}}",
     "#S: there is no such thing"},
    {"wsdl", "<definitions>", "line 1"},
    {"wsdl", "<a/>", "no WSDL"},
    {"wsdl", "<definitions/>", "no operations"},
    {"graphql", "nothing", "no type"},
    {"wadl-xml", "<application/>", "cannot be read here"},
    {"openapi", "", "without a value"},
};

START_TEST(a_broken_document_is_refused)
{
    ck_assert_int_eq(
        import(API, broken[_i].format, broken[_i].text, "\"path\":\"invoices\","), 400);
    ck_assert_msg(strstr(h.answer.body.data, broken[_i].complaint) != NULL, "%s",
                  h.answer.body.data);
    ck_assert_int_eq(call_arm(CALL_GET, API, NULL), 404);
}
END_TEST

START_TEST(a_path_is_unique)
{
    ck_assert_int_eq(call_arm(CALL_PUT, API, "{\"properties\":{\"path\":\"invoices\"}}"),
                     201);
    ck_assert_int_eq(
        call_arm(CALL_PUT, APIS "/other", "{\"properties\":{\"path\":\"Invoices\"}}"),
        400);
    ck_assert_int_eq(
        call_arm(CALL_PUT, APIS "/other",
                 "{\"properties\":{\"path\":\"invoices\",\"apiVersion\":\"v2\"}}"),
        201);
    ck_assert_int_eq(call_arm(CALL_PUT, API, "{\"properties\":{\"path\":\"bills\"}}"),
                     200);
    ck_assert_int_eq(
        call_arm(CALL_PUT, APIS "/third", "{\"properties\":{\"path\":\"invoices\"}}"),
        201);
}
END_TEST

static void make_revision(void)
{
    char *body = memory_format("{\"properties\":{\"path\":\"invoices\",\"sourceApiId\":"
                               "\"%s" API "\",\"apiRevisionDescription\":\"new\"}}",
                               h.group);

    ck_assert_int_eq(import(API, "openapi", openapi, "\"path\":\"invoices\","), 201);
    ck_assert_int_eq(call_arm(CALL_PUT, API ";rev=2", body), 201);
    free(body);
}

START_TEST(a_revision_is_a_copy)
{
    make_revision();
    ck_assert_str_eq(said("properties.apiRevision"), "2");
    ck_assert(cJSON_IsFalse(json_at(h.json, "properties.isCurrent")));
    ck_assert_str_eq(said("properties.serviceUrl"), "https://invoices.contoso.example");
    ck_assert_int_eq(count(API ";rev=2/operations"), 3);
    ck_assert_int_eq(count(API ";rev=1/operations"), 3);
    ck_assert_int_eq(count(API "/revisions"), 2);
    ck_assert_str_eq(
        json_string_at(cJSON_GetArrayItem(json_at(h.json, "value"), 0), "apiId"),
        "/apis/invoices;rev=2");
    ck_assert_int_eq(
        call_arm(CALL_PUT, APIS "/none;rev=2", "{\"properties\":{\"path\":\"none\"}}"),
        400);
}
END_TEST

START_TEST(a_release_makes_a_revision_current)
{
    char *body = memory_format("{\"properties\":{\"apiId\":\"%s" API ";rev=2\",\"notes\":"
                               "\"n\"}}",
                               h.group);

    make_revision();
    ck_assert_int_eq(call_arm(CALL_DELETE, API ";rev=2/operations/getinvoice", NULL),
                     400);
    ck_assert_int_eq(call_arm(CALL_PUT, API ";rev=2/operations/extra",
                              "{\"properties\":{\"displayName\":\"X\",\"method\":\"GET\","
                              "\"urlTemplate\":\"/x\"}}"),
                     201);
    ck_assert_int_eq(call_arm(CALL_PUT, API "/releases/r1", body), 201);
    get(API);
    ck_assert_str_eq(said("properties.apiRevision"), "2");
    ck_assert(cJSON_IsTrue(json_at(h.json, "properties.isCurrent")));
    ck_assert_int_eq(count(API "/operations"), 4);
    ck_assert_int_eq(count(API ";rev=1/operations"), 3);
    get(API ";rev=2/operations/extra");
    get(API ";rev=1");
    ck_assert(cJSON_IsFalse(json_at(h.json, "properties.isCurrent")));
    get(API "/releases/r1");
    free(body);
}
END_TEST

START_TEST(an_api_goes_with_its_revisions)
{
    make_revision();
    char *url = memory_format("%s" API "?" VERSION, h.group);

    ck_assert_int_eq(plane_ask(h.world, &h.answer, &h.json, url,
                               (struct call){.method = CALL_DELETE,
                                             .authorization = h.bearer,
                                             .if_match = "*"}),
                     200);
    ck_assert_int_eq(call_arm(CALL_GET, API ";rev=2", NULL), 404);
    free(url);
}
END_TEST

static int remove_it(const char *path)
{
    char *url = memory_format("%s%s?" VERSION, h.group, path);
    const int status = plane_ask(
        h.world, &h.answer, &h.json, url,
        (struct call){.method = CALL_DELETE, .authorization = h.bearer, .if_match = "*"});

    free(url);
    return status;
}

#define WORKSPACE SERVICE "/workspaces/w1"

START_TEST(what_a_policy_uses_stays)
{
    ck_assert_int_le(call_arm(CALL_PUT, WORKSPACE "/namedValues/limit",
                              "{\"properties\":{\"displayName\":\"limit\",\"value\":"
                              "\"5\"}}"),
                     202);
    ck_assert_int_le(call_arm(CALL_PUT, WORKSPACE "/policyFragments/log",
                              "{\"properties\":{\"value\":\"<fragment />\"}}"),
                     202);
    pass_ms(60 * 1000);
    ck_assert_int_eq(call_arm(CALL_PUT, WORKSPACE "/policies/policy",
                              "{\"properties\":{\"value\":\"<policies><inbound>"
                              "<rate-limit calls='{{limit}}' renewal-period='60' />"
                              "<include-fragment fragment-id=\\\"log\\\" />"
                              "</inbound></policies>\"}}"),
                     201);
    ck_assert_int_eq(remove_it(WORKSPACE "/namedValues/limit"), 400);
    ck_assert_ptr_nonnull(strstr(h.answer.body.data, "is used by"));
    ck_assert_int_eq(remove_it(WORKSPACE "/policyFragments/log"), 400);
    ck_assert_int_eq(
        call_arm(CALL_POST, WORKSPACE "/policyFragments/log/listReferences", NULL), 200);
    ck_assert_int_eq((int)json_number_at(h.json, "count", 0), 1);
    ck_assert_int_eq(remove_it(WORKSPACE "/policies/policy"), 200);
    ck_assert_int_eq(remove_it(WORKSPACE "/namedValues/limit"), 200);
    ck_assert_int_eq(remove_it(WORKSPACE "/policyFragments/log"), 200);
}
END_TEST

START_TEST(what_is_in_use_or_built_in_stays)
{
    ck_assert_int_eq(call_arm(CALL_GET, SERVICE "/users/1", NULL), 200);
    ck_assert_int_eq(remove_it(SERVICE "/users/1"), 400);
    ck_assert_int_eq(remove_it(SERVICE "/groups/guests"), 400);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim_api");
    TCase *documents = tcase_create("documents"), *revisions = tcase_create("revisions");

    tcase_add_checked_fixture(documents, start_world, close_harness);
    tcase_add_test(documents, a_document_becomes_operations);
    tcase_add_test(documents, what_is_exported_can_be_imported);
    tcase_add_test(documents, a_link_ends);
    tcase_add_test(documents, a_second_import_keeps_what_is_still_there);
    tcase_add_test(documents, swagger_comes_from_a_link);
    tcase_add_test(documents, wsdl_becomes_soap_or_rest);
    tcase_add_loop_test(documents, a_broken_document_is_refused, 0, COUNT_OF(broken));
    suite_add_tcase(suite, documents);
    tcase_add_checked_fixture(revisions, start_world, close_harness);
    tcase_add_test(revisions, a_path_is_unique);
    tcase_add_test(revisions, a_revision_is_a_copy);
    tcase_add_test(revisions, a_release_makes_a_revision_current);
    tcase_add_test(revisions, an_api_goes_with_its_revisions);
    tcase_add_test(revisions, what_a_policy_uses_stays);
    tcase_add_test(revisions, what_is_in_use_or_built_in_stays);
    suite_add_tcase(suite, revisions);
    return run_suite(suite);
}
