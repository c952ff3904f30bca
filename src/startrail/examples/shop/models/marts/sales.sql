/* startrail
description: Every sale and refund of all channels, in euros at the rate of its day.
kind: partition
partition_by: sold_on
grain: [sale_id]
columns:
  revenue_eur: {type: "decimal(18,2)", unit: EUR, description: Each line converted and then rounded to the cent}
checks:
  - not_null: [sale_id, sold_on, revenue_eur]   # a missing rate must not publish
  - unique: [sale_id]
  - accepted_values: {column: kind, values: [sale, refund]}
*/
with sold as (
    select s.sale_id, s.sold_on, s.channel, s.store, s.country, s.kind, s.sku, s.product, s.quantity, s.amount, s.currency
    from staging.store_sales as s
    where s.sold_on >= $start
      and s.sold_on < $end
    union all
    select o.sale_id, o.sold_on, o.channel, o.store, o.country, o.kind, o.sku, o.product, o.quantity, o.amount, o.currency
    from staging.orders as o
    where o.sold_on >= $start
      and o.sold_on < $end
),
rates as (
    select r.day, r.currency, r.eur_per_unit
    from raw.fx_rates as r
    where r.day >= $start
      and r.day < $end
)
select
    sold.sale_id,
    sold.sold_on,
    sold.channel,
    sold.store,
    sold.country,
    sold.kind,
    sold.sku,
    sold.product,
    sold.quantity,
    sold.amount,
    sold.currency,
    cast(round(sold.amount * rates.eur_per_unit, 2) as decimal(18, 2)) as revenue_eur
from sold
left join rates on rates.day = sold.sold_on and rates.currency = sold.currency
