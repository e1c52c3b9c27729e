/* engine/model/kind.c - all kinds, and questions about their rows. */
#include "model/kind.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

const struct kind *const kinds[] = {&resource_group_kind,
                                    &service_kind,
                                    &workspace_kind,
                                    &api_version_set_kind,
                                    &named_value_kind,
                                    &certificate_kind,
                                    &logger_kind,
                                    &backend_kind,
                                    &group_kind,
                                    &group_user_kind,
                                    &notification_kind,
                                    &notification_email_kind,
                                    &notification_user_kind,
                                    &schema_kind,
                                    &policy_fragment_kind,
                                    &workspace_policy_kind,
                                    &diagnostic_kind,
                                    &api_kind,
                                    &api_revision_kind,
                                    &api_release_kind,
                                    &api_schema_kind,
                                    &api_operation_kind,
                                    &api_operation_policy_kind,
                                    &api_policy_kind,
                                    &api_diagnostic_kind,
                                    &product_kind,
                                    &product_api_link_kind,
                                    &product_group_link_kind,
                                    &product_policy_kind,
                                    &subscription_kind,
                                    &tag_kind,
                                    &tag_api_link_kind,
                                    &tag_operation_link_kind,
                                    &tag_product_link_kind,
                                    &authorization_server_kind,
                                    &service_group_kind,
                                    &service_group_user_kind,
                                    &service_user_kind,
                                    &service_product_kind,
                                    &service_product_api_link_kind,
                                    &service_product_group_link_kind,
                                    &service_subscription_kind,
                                    &service_tag_kind,
                                    &service_tag_api_link_kind,
                                    &service_tag_operation_link_kind,
                                    &service_tag_product_link_kind,
                                    &workspace_link_kind,
                                    &service_sku_kind,
                                    &gateway_kind,
                                    &gateway_sku_kind,
                                    &config_connection_kind,
                                    &virtual_network_kind,
                                    &subnet_kind,
                                    &route_table_kind,
                                    &route_kind,
                                    &nat_gateway_kind,
                                    &private_dns_zone_kind,
                                    &virtual_network_link_kind,
                                    &dns_a_record_kind,
                                    &network_security_group_kind,
                                    &security_rule_kind,
                                    &default_security_rule_kind,
                                    &permission_kind,
                                    &role_definition_kind,
                                    &role_assignment_kind,
                                    &deny_assignment_kind,
                                    &lock_kind,
                                    NULL};

const struct kind *kind_find(const char *name)
{
    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    }
    return NULL;
}

const struct kind *kind_find_member(const struct kind *parent, const char *member)
{
    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        if ((*kind)->parent == parent && (*kind)->member != NULL &&
            strcmp((*kind)->member, member) == 0)
            return *kind;
    }
    return NULL;
}

const struct field *field_find(const struct field *fields, const char *name)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (strcmp(field->name, name) == 0)
            return field;
    }
    return NULL;
}

const struct choice *choice_by_name(const struct field *field, const char *name)
{
    for (const struct choice *choice = field->choices; choice->name != NULL; choice++) {
        if (strcmp(choice->name, name) == 0)
            return choice;
    }
    return NULL;
}

const struct choice *choice_by_json(const struct field *field, const char *json)
{
    for (const struct choice *choice = field->choices; choice->name != NULL; choice++) {
        if (text_equal_nocase(choice->json, json))
            return choice;
    }
    return NULL;
}

bool kind_has_tags(const struct kind *kind)
{
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        if (strcmp(field->path, "tags") == 0) /* whatever scripts call them */
            return true;
    }
    return false;
}

bool kind_patches(const struct kind *kind)
{
    return (kind->operations & KIND_PATCH) != 0 && !kind->patches_tags_only;
}

bool kind_has_id(const struct kind *kind, const char *id)
{
    static const char providers[] = "/providers/";
    const char *provider = NULL, *wanted = kind->arm_type;
    size_t length;

    for (const char *at = id; (at = strstr(at, providers)) != NULL;)
        provider = at += strlen(providers);
    if (provider == NULL)
        return text_equal_nocase(wanted, "Microsoft.Resources/resourceGroups");
    length = strcspn(provider, "/");
    if (strncasecmp(provider, wanted, length) != 0)
        return false;
    wanted += length;
    for (const char *at = provider + length; *at != '\0';) { /* at "/type/name" */
        length = 1 + strcspn(at + 1, "/");
        if (strncasecmp(at, wanted, length) != 0 || at[length] == '\0' ||
            at[length + 1] == '\0' || at[length + 1] == '/')
            return false; /* another type, or one without a name */
        wanted += length;
        at += length;
        at += 1 + strcspn(at + 1, "/"); /* over the name */
    }
    return *wanted == '\0';
}

char *kind_format_id(const struct kind *kind, const char *parent_id, const char *name)
{
    return memory_format("%s%s/%s", parent_id, kind->collection, name);
}
