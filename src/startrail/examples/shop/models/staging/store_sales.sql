/* startrail
description: Sales of the shops, in the columns that all channels share.
kind: partition
partition_by: sold_on
grain: [sale_id]
checks:
  - not_null: [sale_id, sold_on, store, amount, currency]
  - unique: [sale_id]
*/
select
    s.sale_id,
    s.sold_on,
    'shop' as channel,
    s.store,
    case s.store when 'london-soho' then 'GB' when 'lisbon-chiado' then 'PT' else 'ES' end as country,
    s.kind,
    s.sku,
    s.product,
    s.quantity,
    s.amount,
    s.currency
from raw.store_sales as s
where s.sold_on >= $start
  and s.sold_on < $end
