/* startrail
description: What each product has sold since the shop opened.
kind: table
grain: [sku]
columns:
  revenue_eur: {type: "decimal(18,2)", unit: EUR, description: Net of refunds}
checks:
  - unique: [sku]
  - not_null: [product, revenue_eur]
*/
select
    s.sku,
    min(s.product) as product,
    cast(sum(case s.kind when 'sale' then s.quantity else -s.quantity end) as bigint) as units,
    cast(sum(s.revenue_eur) as decimal(18, 2)) as revenue_eur
from marts.sales as s
group by s.sku
