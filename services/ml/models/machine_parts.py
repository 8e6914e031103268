"""The parts of a machine that come in bulk: statistics by column, market terms, network settings, training figures.

The names are the API's names; each statistic is an object from column to value.
"""

from __future__ import annotations

from typing import Any

from django.db import models

from shared_models.fields import SchemaJSONField, money_field


def by_column(shape: Any = dict[str, Any]) -> SchemaJSONField:
    """A value for each column."""
    return SchemaJSONField(default=dict, blank=True, shape=shape)


class MarketTerms(models.Model):
    """What of the machine others may use, and for how much."""

    machine_data_source_is_public = models.BooleanField(default=False)
    machine_data_source_sample_only_public = models.BooleanField(default=False)
    machine_data_source_price_usd = money_field(default=0)
    machine_api_solving_is_public = models.BooleanField(default=False)
    machine_api_solving_price_usd = money_field(default=0)
    machine_is_duplicatable = models.BooleanField(default=False)
    machine_copy_cost_usd = money_field(default=0)
    machine_copy_update_cost_usd = money_field(default=0)
    machine_billing_cost_solving_usd = money_field(default=0)
    machine_billing_cost_training_usd = money_field(default=0)

    class Meta:
        abstract = True


class ColumnConfiguration(models.Model):
    """What the file reader and the person said about the columns."""

    dfr_columns_description_user_df = by_column(dict[str, str])
    dfr_columns_type_user_df = by_column(dict[str, str])
    dfr_columns_python_user_df = by_column(dict[str, str])
    mdc_columns_name_input = models.JSONField(default=list, blank=True)
    mdc_columns_name_output = models.JSONField(default=list, blank=True)
    mdc_columns_name_input_user_df = models.JSONField(default=list, blank=True)
    mdc_columns_name_output_user_df = models.JSONField(default=list, blank=True)
    mdc_columns_total_count = models.IntegerField(default=0)
    mdc_columns_input_count = models.IntegerField(default=0)
    mdc_columns_output_count = models.IntegerField(default=0)
    mdc_columns_data_type = by_column(dict[str, str])
    mdc_columns_count_of_datatypes_all = by_column(dict[str, int])
    mdc_columns_count_of_datatypes_input = by_column(dict[str, int])
    mdc_columns_count_of_datatypes_output = by_column(dict[str, int])
    mdc_columns_json_structure = by_column()
    machine_columns_errors = by_column(dict[str, str])
    machine_columns_warnings = by_column(dict[str, str])

    class Meta:
        abstract = True


class ColumnStatistics(models.Model):
    """The statistics of every column."""

    mdc_columns_missing_percentage = by_column()
    mdc_columns_unique_values_count = by_column()
    mdc_columns_most_frequent_values_count = by_column()
    mdc_columns_mode = by_column()
    mdc_columns_mean = by_column()
    mdc_columns_std_dev = by_column()
    mdc_columns_skewness = by_column()
    mdc_columns_kurtosis = by_column()
    mdc_columns_min = by_column()
    mdc_columns_max = by_column()
    mdc_columns_sem = by_column()
    mdc_columns_median = by_column()
    mdc_columns_quantile02 = by_column()
    mdc_columns_quantile03 = by_column()
    mdc_columns_quantile07 = by_column()
    mdc_columns_quantile08 = by_column()
    mdc_columns_str_percent_uppercase = by_column()
    mdc_columns_str_percent_lowercase = by_column()
    mdc_columns_str_percent_digit = by_column()
    mdc_columns_str_percent_punctuation = by_column()
    mdc_columns_str_percent_operators = by_column()
    mdc_columns_str_percent_underscore = by_column()
    mdc_columns_str_percent_space = by_column()
    mdc_columns_str_language_en = by_column()
    mdc_columns_str_language_fr = by_column()
    mdc_columns_str_language_de = by_column()
    mdc_columns_str_language_it = by_column()
    mdc_columns_str_language_es = by_column()
    mdc_columns_str_language_pt = by_column()
    mdc_columns_str_language_others = by_column()
    mdc_columns_str_language_none = by_column()

    class Meta:
        abstract = True


class NetworkSettings(models.Model):
    """What may be asked of the network; empty means chosen by the level."""

    parameter_nn_loss = models.CharField(max_length=30, blank=True)
    parameter_nn_loss_scaler = models.FloatField(null=True, blank=True)
    parameter_nn_optimizer = models.CharField(max_length=10, default="adamw")
    parameter_nn_shape = models.JSONField(default=dict, blank=True)
    parameter_nn_find_delay_sec = models.FloatField(null=True, blank=True)

    class Meta:
        abstract = True


class TrainingFigures(models.Model):
    """What the last training did and how good it was."""

    fe_budget_total = models.IntegerField(null=True, blank=True)
    fe_columns_fet = by_column(dict[str, list[str]])
    fe_count_of_fet = models.IntegerField(null=True, blank=True)
    fe_find_delay_sec = models.FloatField(null=True, blank=True)
    fe_columns_inputs_importance_evaluation = by_column(dict[str, float])
    fe_columns_inputs_importance_find_delay_sec = models.FloatField(null=True, blank=True)
    enc_dec_columns_info_input_encode_count = by_column(dict[str, int])
    enc_dec_columns_info_output_encode_count = by_column(dict[str, int])
    training_total_delay_sec = models.FloatField(null=True, blank=True)
    training_cell_delay_sec = models.FloatField(null=True, blank=True)
    training_date_time = models.DateTimeField(null=True, blank=True)
    training_epoch_count = models.IntegerField(null=True, blank=True)
    training_batch_size = models.IntegerField(null=True, blank=True)
    training_total_line_count = models.BigIntegerField(null=True, blank=True)
    training_hardware = models.CharField(max_length=200, blank=True)
    training_training_loss = models.FloatField(null=True, blank=True)
    training_evaluation_loss = models.FloatField(null=True, blank=True)
    training_training_noise_loss = models.FloatField(null=True, blank=True)
    training_evaluation_noise_loss = models.FloatField(null=True, blank=True)
    training_training_accuracy = models.FloatField(null=True, blank=True)
    training_evaluation_accuracy = models.FloatField(null=True, blank=True)
    training_training_noise_accuracy = models.FloatField(null=True, blank=True)
    training_evaluation_noise_accuracy = models.FloatField(null=True, blank=True)
    training_outputs_loss = by_column(dict[str, float])
    training_outputs_accuracy = by_column(dict[str, float])

    class Meta:
        abstract = True


class RerunFlags(models.Model):
    """What the next training has to do anew."""

    machine_is_re_run_mdc = models.BooleanField(default=True)
    machine_is_re_run_ici = models.BooleanField(default=True)
    machine_is_re_run_fe = models.BooleanField(default=True)
    machine_is_re_run_enc_dec = models.BooleanField(default=True)
    machine_is_re_run_nn_config = models.BooleanField(default=True)
    machine_is_re_run_model = models.BooleanField(default=True)

    class Meta:
        abstract = True
