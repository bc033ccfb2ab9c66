/* test_config_quantity.c - quantity.h: what is worth the same, and what is no quantity at all. */
#include "quantity.h"

#include "unit.h"

static const struct pair_row {
    const char *name;
    const char *a;
    const char *b;
    bool is_equal;
} pair_rows[] = {
    {"quantity_1024Mi_is_1Gi", "1024Mi", "1Gi", true},
    {"quantity_half_is_500m", "0.5", "500m", true},
    {"quantity_1000m_is_1", "1000m", "1", true},
    {"quantity_exponent_is_a_suffix", "1e3", "1k", true},
    {"quantity_capital_exponent_is_a_suffix", "12E+3", "12k", true},
    {"quantity_negative_exponent_is_a_suffix", "5e-9", "5n", true},
    {"quantity_E_without_digits_is_exa", "1E", "1000P", true},
    {"quantity_trailing_zeros_do_not_count", "1.50", "1.5", true},
    {"quantity_leading_zeros_do_not_count", "007", "7", true},
    {"quantity_leading_point_is_fine", ".5", "0.5", true},
    {"quantity_trailing_point_is_fine", "5.", "5", true},
    {"quantity_plus_sign_does_not_count", "+3", "3", true},
    {"quantity_zero_has_no_sign_and_no_unit", "-0Gi", "0", true},
    {"quantity_binary_units_reach_exbi", "1024Pi", "1Ei", true},
    {"quantity_micro_is_a_thousandth_of_milli", "1000u", "1m", true},
    {"quantity_1Gi_is_not_1G", "1Gi", "1G", false},
    {"quantity_sign_counts", "-1", "1", false},
    {"quantity_1_is_not_10", "1", "10", false},
    {"quantity_largest_numbers_are_kept_apart", "9223372036854775806", "9223372036854775807", false},
    {"quantity_is_capped_at_63_bits", "9Ei", "9223372036854775807", true},
    {"quantity_is_capped_whatever_the_exponent", "1e9999", "99999999999999999999999", true},
    {"quantity_rounds_up_to_a_billionth", "0.1n", "1n", true},
    {"quantity_rounds_up_below_any_billionth", "1e-9999", "1n", true},
    {"quantity_has_zeros_in_any_number", "0001000.0000000000000000000000000", "1k", true},
    {"quantity_rounds_up_behind_19_digits", "1.0000000000000000000000001", "1.000000001", true},
};

static void pair_compares(void **state)
{
    const struct pair_row *row = *state;
    rpw_nanos a, b;

    assert_true(rpw_quantity_parse(rpw_span_of(row->a), &a));
    assert_true(rpw_quantity_parse(rpw_span_of(row->b), &b));
    assert_int_equal(a == b, row->is_equal);
}

static const struct reject_row {
    const char *name;
    const char *text;
} reject_rows[] = {
    {"quantity_is_not_an_empty_text", ""},
    {"quantity_is_not_a_sign_alone", "-"},
    {"quantity_is_not_a_point_alone", "."},
    {"quantity_is_not_a_unit_alone", "Gi"},
    {"quantity_has_one_point", "1.2.3"},
    {"quantity_has_a_known_unit", "1Qi"},
    {"quantity_has_one_unit", "1GiMi"},
    {"quantity_has_no_space", "1 Gi"},
    {"quantity_exponent_has_digits", "1e"},
    {"quantity_exponent_has_more_than_a_sign", "1e+"},
    {"quantity_exponent_has_only_digits", "1e3m"},
    {"quantity_exponent_is_bounded", "1e10000"},
    {"quantity_is_not_a_name", "rucio-policy"},
};

static void text_is_rejected(void **state)
{
    const struct reject_row *row = *state;
    rpw_nanos untouched = 42;

    assert_false(rpw_quantity_parse(rpw_span_of(row->text), &untouched));
    assert_true(untouched == 42);
}

int main(void)
{
    UNIT_ADD_ROWS(pair_compares, pair_rows);
    UNIT_ADD_ROWS(text_is_rejected, reject_rows);
    return unit_run("quantity");
}
