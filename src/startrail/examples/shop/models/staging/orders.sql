/* startrail
description: Orders of the web shop, in the columns that all channels share.
kind: partition
partition_by: sold_on
grain: [sale_id]
checks:
  - not_null: [sale_id, sold_on, amount, currency]
  - unique: [sale_id]
*/
select
    o.order_id as sale_id,
    cast(o.ordered_at as date) as sold_on,
    'web' as channel,
    'online' as store,
    o.customer['country'] as country,
    o.kind,
    o.sku,
    o.product,
    o.quantity,
    o.amount,
    o.currency
from raw.orders as o
where o.ordered_at >= $start
  and o.ordered_at < $end
